"""Tools, JSON and when they are asked for, whatever the wire: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from re import escape, search
from typing import Any

import orjson

from model_server.arguments import fitting

TOOLS = 128
"""Of one request at most, as with OpenAI."""
ANSWER = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
"""What JSON without a schema looks like."""


@dataclass(frozen=True)
class Tool:
    """A function that the model may ask its caller to call."""

    name: str
    schema: Mapping[str, Any] = field(default_factory=dict)
    """Of its arguments."""


def parse_tools(value: object) -> list[Tool]:
    """The `tools` of a request, the same on both wires; ValueError tells the first that is none."""
    if not isinstance(value, list) or len(value) > TOOLS:
        raise ValueError(f"tools must be a list of at most {TOOLS}")
    return [_tool(one, f"tools[{at}]") for at, one in enumerate(value)]


def _tool(value: object, where: str) -> Tool:
    if not isinstance(value, dict) or value.get("type", "function") != "function":
        raise ValueError(f"{where} must be an object of type function")
    function = value.get("function")
    if not isinstance(function, dict) or not isinstance(name := function.get("name"), str) or not name:
        raise ValueError(f"{where}.function must be an object with a name")
    schema = function.get("parameters") or {}
    if not isinstance(schema, dict):
        raise ValueError(f"{where}.function.parameters must be a JSON schema")
    return Tool(name, schema)


def chosen(tools: Sequence[Tool], question: str, demanded: bool) -> Tool | None:
    """The first tool whose name stands in the question; where one is demanded, the first that is offered."""
    named = (tool for tool in tools if search(rf"(?<!\w){escape(tool.name)}(?!\w)", question))
    return next(named, tools[0] if demanded and tools else None)


def written(schema: Mapping[str, Any], question: str) -> str:
    """JSON that fits the schema, always the same for a question; ValueError where the schema demands too much."""
    key = blake2b(question.encode(), digest_size=8).hexdigest()
    try:
        return orjson.dumps(fitting(schema, key)).decode()
    except orjson.JSONEncodeError as error:  # a constant of the schema, too deep to be written
        raise ValueError(f"its schema cannot be followed: {error}") from None
