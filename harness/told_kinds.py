"""What there is to tell of a kind: what it is about, what a plan may set, its words, its code, and an entry that shows it."""

import re
import tomllib
from dataclasses import dataclass
from inspect import Parameter, cleandoc, getsource
from math import inf
from pathlib import Path
from typing import Any, get_type_hints

from faults.actions import Kind, name_of, parameters_of, subject_of
from faults.parameters import in_words
from harness.manifest import told_path
from harness.scenario import PLANS

GALLERY = PLANS / "gallery.toml"
"""The plan that shows every kind of ours."""


@dataclass(frozen=True)
class ToldParameter:
    """One thing that a plan may set."""

    name: str
    allowed: str
    needed: bool
    default: Any

    @property
    def told(self) -> str:
        return f"{self.name}{'' if self.needed else f' = {_toml(self.default)}'}: {self.allowed}"


@dataclass(frozen=True)
class Told:
    """A kind in words."""

    name: str
    about: str
    what: str
    """The first sentence of its text."""
    text: str
    parameters: tuple[ToldParameter, ...]
    file: str
    line: int
    code: str


def told_kind(kind: Kind) -> Told:
    """All of it."""
    text = cleandoc(kind.__doc__ or "")
    place: Any = getattr(kind, "__code__")  # noqa: B009  (a kind is any callable to mypy)
    return Told(
        name=name_of(kind),
        about=subject_of(kind),
        what=first_sentence(text),
        text=text,
        parameters=tuple(_parameters(kind)),
        file=told_path(Path(place.co_filename)),
        line=place.co_firstlineno,
        code=getsource(kind),
    )


def first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0]


def _parameters(kind: Kind) -> list[ToldParameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        ToldParameter(name, in_words(hints.get(name)), one.default is Parameter.empty, _plain(one.default))
        for name, one in parameters_of(kind).items()
    ]


def _plain(default: Any) -> Any:
    """As JSON holds it: it knows no infinity."""
    if default is Parameter.empty:
        return None
    return "inf" if default == inf else default


def _toml(value: Any) -> str:
    if value is None:
        return "none"
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f'"{value}"'
        if isinstance(value, str) and value != "inf"
        else str(value)
    )


def entry_of(kind: Kind) -> str:
    """An entry of a plan with this kind: from the gallery where it is ours, else one with every parameter."""
    for text in GALLERY.read_text(encoding="utf-8").split("[[fault]]")[1:]:
        entry = "[[fault]]" + re.split(r"\n\s*#", text)[0].rstrip()
        if tomllib.loads(entry)["fault"][0]["kind"] == name_of(kind):
            return entry
    lines = ["[[fault]]", f'name = "my {name_of(kind)}"', f'kind = "{name_of(kind)}"', "share = 0.1"]
    for one in _parameters(kind):
        lines.append(f"# {one.name} must be given: {one.allowed}" if one.needed else f"# {one.told}")
    return "\n".join(lines)
