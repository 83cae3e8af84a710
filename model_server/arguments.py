"""Values that fit a JSON schema: pure, and the same for the same key. What it does not know (`pattern`) is unheeded."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, inf
from typing import Any

from model_server.answers import WORDS
from records.chance import between, draw

DEPTH, VALUES, CHARACTERS = 32, 1_000, 10_000
"""What a value may have at most; a schema that demands more (or itself, without end) is refused."""
WHOLE = 2**53
"""Beyond it, readers of JSON do not agree on whole numbers."""
_FORMATS = {
    "date": "2024-07-23",
    "time": "15:00:00Z",
    "date-time": "2024-07-23T15:00:00Z",
    "duration": "PT15M",
    "email": "river@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
Schema = Mapping[str, Any]


def fitting(schema: object, key: str) -> dict[str, Any]:
    """An object that fits `schema`: what it requires, and no more; ValueError when that is too much."""
    filler = _Filler(schema if isinstance(schema, Mapping) else {}, key)
    return filler.filled()


class _Filler:
    def __init__(self, root: Schema, key: str) -> None:
        self._root, self._key, self._left = root, key, VALUES

    def filled(self) -> dict[str, Any]:
        return self._object(self._resolved(self._root), "", 0)

    def _value(self, schema: object, path: str, depth: int) -> Any:
        self._spend(depth)
        schema = self._resolved(schema if isinstance(schema, Mapping) else {})
        if "const" in schema:
            return schema["const"]
        if options := _of(schema, "enum", list, []):
            return options[int(self._share(path) * len(options))]
        match _kind(schema):
            case "object":
                return self._object(schema, path, depth)
            case "array":
                return self._array(schema, path, depth)
            case "integer" | "number" as kind:
                return self._number(schema, path, kind == "integer")
            case "boolean":
                return self._share(path) < 0.5
            case "null":
                return None
        return self._text(schema, path)

    def _spend(self, depth: int) -> None:
        self._left -= 1
        if depth > DEPTH or self._left < 0:
            raise ValueError(f"its schema demands more than {VALUES} values, or deeper ones than {DEPTH} levels")

    def _share(self, path: str) -> float:
        return draw(0, path, self._key)

    def _resolved(self, schema: Schema) -> Schema:
        """Without $ref, and with the first branch of anyOf and oneOf and all of allOf laid over it."""
        while branches := self._branches(schema):
            schema = {name: value for name, value in schema.items() if name not in ("$ref", "anyOf", "oneOf", "allOf")}
            for branch in branches:
                self._spend(0)
                schema = _laid_over(schema, branch)
        return schema

    def _branches(self, schema: Schema) -> list[Schema]:
        ref = _of(schema, "$ref", str, "")
        chosen = [self._target(ref)] if ref else []
        for name in ("anyOf", "oneOf"):
            chosen += _of(schema, name, list, [])[:1]
        return [branch for branch in chosen + _of(schema, "allOf", list, []) if isinstance(branch, Mapping)]

    def _target(self, ref: str) -> object:
        """Where `#/$defs/City` points; a stranger is anything."""
        found: object = self._root
        for step in ref.removeprefix("#").split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        return found

    def _object(self, schema: Schema, path: str, depth: int) -> dict[str, Any]:
        properties = _of(schema, "properties", dict, {})
        names = [name for name in _of(schema, "required", list, []) if isinstance(name, str)]
        return {name: self._value(properties.get(name), f"{path}.{name}", depth + 1) for name in names}

    def _array(self, schema: Schema, path: str, depth: int) -> list[Any]:
        """One item, where neither none nor several are demanded."""
        first, rest = _of(schema, "prefixItems", list, []), schema.get("items")
        most = min(_of(schema, "maxItems", int, inf), VALUES + 1)
        count = max(int(min(max(len(first), 1), most)), _of(schema, "minItems", int, 0))
        return [
            self._value(first[at] if at < len(first) else rest, f"{path}[{at}]", depth + 1)
            for at in range(min(count, VALUES + 1))
        ]

    def _number(self, schema: Schema, path: str, whole: bool) -> float:
        step = abs(_number_of(schema, "multipleOf", 0)) or (1 if whole else 0)
        low, high = _bounds(schema, step)
        first, last = (low / step, high / step) if step else (low, high)
        if not -WHOLE <= first <= last <= WHOLE:
            raise ValueError(f"its schema demands a number that none between -{WHOLE} and {WHOLE} is")
        if not step:
            return low + (high - low) * (0.25 + self._share(path) / 2)  # off both ends, which may be excluded
        value = between(ceil(first), floor(last), self._share(path)) * step
        return int(value) if whole else value

    def _text(self, schema: Schema, path: str) -> str:
        least = _of(schema, "minLength", int, 0)
        if least > CHARACTERS:
            raise ValueError(f"its schema demands a text of more than {CHARACTERS} characters")
        text = _FORMATS.get(_of(schema, "format", str, "")) or WORDS[int(self._share(path) * len(WORDS))]
        text += text * (least // len(text)) if len(text) < least else ""
        return text[: max(_of(schema, "maxLength", int, len(text)), 0)]


def _bounds(schema: Schema, step: float) -> tuple[float, float]:
    """Both ends included; one that is excluded is moved inwards by a step, where numbers have one."""
    low, high = _number_of(schema, "minimum", -inf), _number_of(schema, "maximum", inf)
    above, below = _number_of(schema, "exclusiveMinimum", -inf), _number_of(schema, "exclusiveMaximum", inf)
    low, high = max(low, above + step if above >= low else low), min(high, below - step if below <= high else high)
    span = 100 * (step or 1)
    if low == -inf:
        low = 0 if high >= 0 else high - span
    return low, max(low, 0) + span if high == inf else high


def _laid_over(schema: Schema, branch: Schema) -> Schema:
    """Both at once: properties and required names add up."""
    properties = {**_of(schema, "properties", dict, {}), **_of(branch, "properties", dict, {})}
    required = [*_of(schema, "required", list, []), *_of(branch, "required", list, [])]
    both = {**schema, **branch}
    return {**both, **({"properties": properties} if properties else {}), **({"required": required} if required else {})}


def _kind(schema: Schema) -> str:
    """The first type that is allowed; where none is told, the one its other words speak of."""
    kind = schema.get("type")
    if isinstance(kind, Sequence) and not isinstance(kind, str):
        kind = next(iter(kind), None)
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _of(schema: Schema, name: str, kind: type, default: Any) -> Any:
    """A field of the schema; one of the wrong type is as good as absent."""
    value = schema.get(name)
    return value if isinstance(value, kind) and not isinstance(value, bool) else default


def _number_of(schema: Schema, name: str, default: float) -> float:
    value = schema.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default
