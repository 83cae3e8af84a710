"""JSON Schema out of Python's types: a dataclass becomes a definition with all its fields, and what is said below each."""

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from inspect import cleandoc, getdoc, getsource
from itertools import pairwise
from textwrap import dedent
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]
NAMES: dict[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number", NoneType: "null"}
LISTS, TABLES = (list, tuple, Sequence), (dict, Mapping)


def fixed(properties: Mapping[str, Schema], **more: Any) -> Schema:
    """An object that has these keys, all of them, and no other."""
    told = {"type": "object", "properties": dict(properties), "required": list(properties), "additionalProperties": False}
    return more | told


def listed(items: Schema, **more: Any) -> Schema:
    """A list of any length."""
    return more | {"type": "array", "items": items}


def keyed(values: Schema, **more: Any) -> Schema:
    """An object whose keys are names that only the run knows."""
    return more | {"type": "object", "additionalProperties": values}


def any_of(found: Sequence[Schema]) -> Schema:
    """What may be one of several; where all are plain, in one word."""
    if all(one.keys() == {"type"} for one in found):
        return {"type": [one["type"] for one in found]}
    return {"anyOf": list(found)}


class Definitions:
    """A definition for each dataclass that was asked for, by its name."""

    def __init__(
        self,
        instead: Mapping[str, Schema] = {},
        beside: Mapping[str, Mapping[str, Schema]] = {},
        left_out: Collection[str] = (),
    ) -> None:
        """Fields as "Class.field": those that JSON tells `instead` in another way, or leaves out; and keys `beside` them."""
        self.found: dict[str, Schema] = {}
        self._instead, self._beside, self._left_out = instead, beside, left_out

    def of(self, kind: Any) -> Schema:
        """The schema of a type; one that JSON does not know is refused, so that no key is left without a type."""
        if kind in NAMES:
            return {"type": NAMES[kind]}
        if is_dataclass(kind) and isinstance(kind, type):
            return self._named(kind)
        origin, inner = get_origin(kind), get_args(kind)
        if origin in (Union, UnionType):
            return any_of([self.of(one) for one in inner])
        if origin is Literal:
            return {"enum": list(inner)}
        if origin in TABLES:
            return keyed(self.of(inner[1]))
        if origin in LISTS and (len(inner) == 1 or inner[1] is Ellipsis):
            return listed(self.of(inner[0]))
        raise TypeError(f"{kind} is not a type that JSON knows: give it one in reports/schema.py")

    def _named(self, kind: type) -> Schema:
        name = kind.__name__
        if name not in self.found:
            self.found[name] = {}
            self.found[name] = fixed(self.fields_of(kind), description=sentence(getdoc(kind) or ""))
        return {"$ref": f"#/$defs/{name}"}

    def fields_of(self, kind: type) -> dict[str, Schema]:
        """Each field of a dataclass, in its order, and the keys beside."""
        name, hints, told = kind.__name__, get_type_hints(kind), words_of(kind)
        found: dict[str, Schema] = {}
        for one in [one for one in fields(kind) if f"{name}.{one.name}" not in self._left_out]:
            schema = self._instead.get(f"{name}.{one.name}") or self.of(hints[one.name])
            found[one.name] = ({"description": told[one.name]} if one.name in told else {}) | schema
        return found | dict(self._beside.get(name, {}))


@cache
def words_of(kind: type) -> dict[str, str]:
    """The sentence below each field of a class."""
    tree = ast.parse(dedent(getsource(kind))).body[0]
    found = {}
    for field, below in pairwise(tree.body if isinstance(tree, ast.ClassDef) else []):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_text(below):
            found[field.target.id] = sentence(below.value.value)  # type: ignore[attr-defined]
    return found


def _is_text(below: ast.stmt) -> bool:
    return isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)


def sentence(text: str) -> str:
    """A docstring on one line."""
    return " ".join(cleandoc(text).split())
