"""When a tool is called, and what is written then."""

import json
from typing import Any

import pytest

from model_server.tools import TOOLS, Tool, chosen, parse_tools, written

WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
OFFERED = [Tool("get_weather"), Tool("add")]


def test_a_tool_has_a_name_and_perhaps_a_schema():
    assert parse_tools([WEATHER, {"function": {"name": "now"}}]) == [Tool("get_weather", {"type": "object"}), Tool("now", {})]


@pytest.mark.parametrize(
    ("tools", "where"),
    [
        ({}, "tools must be a list"),
        ([WEATHER] * (TOOLS + 1), "tools must be a list of at most 128"),
        ([WEATHER, None], "tools[1] must be an object of type function"),
        ([{"type": "retrieval"}], "tools[0] must be an object of type function"),
        ([{"type": "function"}], "tools[0].function must be an object with a name"),
        ([{"function": {"name": ""}}], "tools[0].function must be an object with a name"),
        ([{"function": {"name": "a", "parameters": [1]}}], "tools[0].function.parameters must be a JSON schema"),
    ],
)
def test_what_is_no_tool_is_told(tools: Any, where: str):
    with pytest.raises(ValueError) as refused:
        parse_tools(tools)
    assert str(refused.value).startswith(where)


@pytest.mark.parametrize(
    ("question", "demanded", "name"),
    [
        ("Please call get_weather for Paris", False, "get_weather"),
        ("get_weather?", False, "get_weather"),
        ("`add` these", True, "add"),
        ("What is the address of my_get_weather_2?", False, None),
        ("Hello", False, None),
        ("Hello", True, "get_weather"),
    ],
)
def test_a_tool_is_called_where_it_is_named_or_demanded(question: str, demanded: bool, name: str | None):
    """By its whole name: `add` is not in `address`."""
    tool = chosen(OFFERED, question, demanded)

    assert (tool.name if tool else None) == name
    assert chosen([], question, demanded) is None


def test_what_is_written_is_json_and_the_same_for_a_question():
    schema = {"properties": {"city": {"type": "string"}}, "required": ["city"]}

    assert written(schema, "Why?") == written(schema, "Why?")
    assert list(json.loads(written(schema, "Why?"))) == ["city"]


def test_a_constant_too_deep_to_be_written_is_refused():
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    with pytest.raises(ValueError, match="its schema cannot be followed"):
        written({"properties": {"a": {"const": deep}}, "required": ["a"]}, "Why?")
