"""What OpenAI's API is asked, and every refusal with its parameter and code."""

from typing import Any

import pytest

from model_server.answers import Prompt
from model_server.models import Models
from model_server.openai_fields import Refused
from model_server.openai_parse import (
    parse_body,
    parse_chat,
    parse_completion,
    parse_form,
    parse_inputs,
    parse_model,
    parse_streaming,
)
from model_server.physics import Physics

USER = {"role": "user", "content": "Why?"}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {"required": ["city"]}}}
FORCED = {"type": "function", "function": {"name": "get_weather"}}


def chat(**more: Any) -> Prompt:
    return parse_chat({"messages": [USER], **more})


def test_what_chat_asks():
    """The options that were set, by their names on the wire."""
    roles = (("developer", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"))
    messages = [{"role": role, "content": text} for role, text in roles]
    options = {"temperature": 0.3, "max_tokens": 9, "top_p": None, "n": 1, "user": "me", "stop": "x", "seed": 5}

    prompt = parse_chat({"messages": messages, **options})

    params = {"temperature": 0.3, "max_tokens": 9, "stop": "x", "seed": 5}
    assert prompt == Prompt("c", ["s", "a", "b", "c"], params, turn=2, limit=9, stop=("x",))
    assert chat(max_completion_tokens=3) == Prompt("Why?", ["Why?"], {"max_completion_tokens": 3}, limit=3)
    assert chat(stop=["x", "y"]).stop == ("x", "y")


def test_parts_are_one_text():
    parts = [{"type": "text", "text": "Wh"}, {"type": "text", "text": "y?"}]

    assert parse_chat({"messages": [{"role": "user", "content": parts}]}) == chat()


def test_an_answer_at_the_end_is_not_continued():
    """OpenAI does not: it answers the question again."""
    assert parse_chat({"messages": [USER, {"role": "assistant", "content": "Be"}]}).so_far == ""


@pytest.mark.parametrize(
    ("choice", "question", "called"),
    [
        ("auto", "Why?", False),
        (None, "get_weather in Paris", True),
        ("auto", "get_weather in Paris", True),
        ("none", "get_weather in Paris", False),
        ("required", "Why?", True),
        (FORCED, "Why?", True),
    ],
)
def test_a_tool_is_called_as_the_choice_says(choice: Any, question: str, called: bool):
    asked = {"messages": [{"role": "user", "content": question}], "tools": [WEATHER], "tool_choice": choice}

    prompt = parse_chat(asked)

    assert (prompt.tool == "get_weather", prompt.json.startswith('{"city":')) == (called, called)


def test_after_its_result_a_tool_is_not_called_again():
    """Even where one is demanded: a loop of an agent has to come to its end."""
    calls = [{"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}]
    messages = [USER, {"role": "assistant", "tool_calls": calls}, {"role": "tool", "tool_call_id": "1", "content": "sun"}]

    prompt = parse_chat({"messages": messages, "tools": [WEATHER], "tool_choice": "required"})

    assert (prompt.tool, prompt.json, prompt.texts) == ("", "", ["Why?", "", "sun"])


def test_json_is_answered_where_it_is_asked_for():
    schema = {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}

    assert chat(response_format={"type": "json_object"}).json.startswith('{"answer":"')
    assert chat(response_format={"type": "json_schema", "json_schema": {"schema": schema}}).json.startswith('{"days":')
    assert chat(response_format={"type": "text"}).json == ""


def test_a_completion_has_one_prompt():
    assert parse_completion({"prompt": "Why?"}) == parse_completion({"prompt": ["Why?"]}) == chat()
    assert parse_completion({"prompt": [1, 2]}).question == parse_completion({"prompt": [[1, 2]]}).question == "1 2"
    assert parse_completion({}).question == parse_completion({"prompt": []}).question == ""


def test_what_embeddings_ask():
    assert parse_inputs({"input": "a"}) == ["a"]
    assert parse_inputs({"input": ["a", "b"]}) == ["a", "b"]
    assert parse_inputs({"input": [7, 8]}) == parse_inputs({"input": [[7, 8]]}) == ["7 8"]
    assert parse_form({}) == (768, False)
    assert parse_form({"dimensions": 3, "encoding_format": "base64"}) == (3, True)


REFUSED: list[tuple[dict[str, Any], str, str | None, str | None]] = [
    ({"messages": None}, "Missing required parameter: 'messages'.", "messages", "missing_required_parameter"),
    ({"messages": []}, "Invalid 'messages': empty array.", "messages", "empty_array"),
    ({"messages": "Why?"}, "Invalid type for 'messages': expected an array, but got a string", "messages", "invalid_type"),
    ({"messages": [1]}, "Invalid type for 'messages[0]': expected an object", "messages[0]", "invalid_type"),
    ({"messages": [{"content": "a"}]}, "Missing required parameter", "messages[0].role", "missing_required_parameter"),
    ({"messages": [USER, {"role": "boss"}]}, "Invalid value: 'boss'.", "messages[1].role", "invalid_value"),
    ({"messages": [{"role": [[]]}]}, "Invalid value: 'an array'.", "messages[0].role", "invalid_value"),
    ({"messages": [{"role": "user"}]}, "Invalid type", "messages[0].content", "invalid_type"),
    ({"messages": [{"role": "user", "content": [7]}]}, "Invalid type", "messages[0].content[0]", "invalid_type"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
        "Invalid content type. image_url is only supported by certain models.",
        "messages[0].content[0].type",
        None,
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        "Invalid type for 'messages[0].content[0].text': expected a string, but got null",
        "messages[0].content[0].text",
        "invalid_type",
    ),
    ({"n": 2}, "Invalid 'n': integer above maximum value. Expected a value <= 1, but got 2", "n", "integer_above_max_value"),
    ({"temperature": "hot"}, "Invalid type for 'temperature': expected a decimal", "temperature", "invalid_type"),
    ({"temperature": 2.5}, "Invalid 'temperature': decimal above", "temperature", "decimal_above_max_value"),
    ({"top_p": -0.1}, "Invalid 'top_p': decimal below", "top_p", "decimal_below_min_value"),
    ({"max_tokens": 0}, "Invalid 'max_tokens': integer below", "max_tokens", "integer_below_min_value"),
    ({"max_tokens": 1.5}, "Invalid type for 'max_tokens': expected an integer", "max_tokens", "invalid_type"),
    ({"seed": True}, "Invalid type for 'seed': expected an integer, but got a boolean", "seed", "invalid_type"),
    ({"max_tokens": 1, "max_completion_tokens": 1}, "Setting 'max_tokens' and", "max_tokens", "invalid_parameter_combination"),
    ({"stop": 1}, "Invalid type for 'stop'", "stop", "invalid_type"),
    ({"stop": [1]}, "Invalid type for 'stop'", "stop", "invalid_type"),
    ({"stop": ["a"] * 5}, "Invalid 'stop': array too long.", "stop", "array_above_max_length"),
    ({"tools": "x"}, "Invalid type for 'tools'", "tools", "invalid_type"),
    ({"tools": [{}]}, "Invalid 'tools': tools[0].function must be", "tools", "invalid_value"),
    ({"tool_choice": "auto"}, "'tool_choice' is only allowed when", "tool_choice", None),
    ({"tools": [WEATHER], "tool_choice": "some"}, "Invalid value: 'some'.", "tool_choice", "invalid_value"),
    ({"tools": [WEATHER], "tool_choice": FORCED | {"function": {"name": "add"}}}, "Tool choice 'add'", "tool_choice", None),
    ({"response_format": {"type": "xml"}}, "Invalid value: 'xml'.", "response_format.type", "invalid_value"),
    (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"schema": {"required": ["a"], "properties": {"a": {"$ref": "#"}}}},
            }
        },
        "Invalid schema for 'response_format': its schema demands more",
        "response_format",
        "invalid_json_schema",
    ),
]


@pytest.mark.parametrize(("body", "told", "param", "code"), REFUSED)
def test_every_refusal_names_parameter_and_code(body: dict[str, Any], told: str, param: str | None, code: str | None):
    with pytest.raises(Refused) as refused:
        chat(**body)
    error = refused.value.error
    assert str(error["message"]).startswith(told)
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("parse", "body", "told"),
    [
        (parse_completion, {"prompt": ["a", "b"]}, "Invalid 'prompt': array too long."),
        (parse_completion, {"prompt": {}}, "Invalid type for 'prompt'"),
        (parse_inputs, {}, "Missing required parameter: 'input'."),
        (parse_inputs, {"input": ""}, "'$.input' is invalid."),
        (parse_inputs, {"input": []}, "'$.input' is invalid."),
        (parse_inputs, {"input": ["a", ""]}, "'$.input' is invalid."),
        (parse_inputs, {"input": [[]]}, "'$.input' is invalid."),
        (parse_inputs, {"input": [None]}, "Invalid type for 'input[0]': expected a string, but got null"),
        (parse_inputs, {"input": [1, "a"]}, "Invalid type for 'input[0]'"),
        (parse_inputs, {"input": ["a"] * 2049}, "Invalid 'input': array too long."),
        (
            parse_inputs,
            {"input": "a " * 8193},
            "This model's maximum context length is 8192 tokens, however you requested 8193",
        ),
        (parse_form, {"dimensions": 769}, "Invalid 'dimensions': integer above maximum value."),
        (parse_form, {"dimensions": 0}, "Invalid 'dimensions': integer below minimum value."),
        (parse_form, {"encoding_format": "hex"}, "Invalid value: 'hex'. Supported values are: 'float' and 'base64'."),
        (parse_streaming, {"stream": 1}, "Invalid type for 'stream': expected a boolean"),
        (parse_streaming, {"stream_options": {}}, "The 'stream_options' parameter is only allowed when"),
        (
            parse_streaming,
            {"stream": True, "stream_options": {"include_usage": 1}},
            "Invalid type for 'stream_options.include_",
        ),
        (parse_body, b"", "We could not parse the JSON body of your request"),
        (parse_body, b"[]", "The JSON body of your request must be an object."),
        (lambda body: parse_model(body, Models(Physics())), {}, "you must provide a model parameter"),
    ],
)
def test_what_else_is_refused(parse: Any, body: Any, told: str):
    with pytest.raises(Refused) as refused:
        parse(body)
    assert str(refused.value).startswith(told)
    assert refused.value.status == 400


def test_a_model_is_known_with_and_without_its_tag():
    known = Models(Physics())
    assert parse_model({"model": "llama3.1:latest"}, known) == ("llama3.1:latest", known.first)
    with pytest.raises(Refused) as refused:
        parse_model({"model": "gpt-4o"}, known)
    assert (refused.value.status, refused.value.error["code"]) == (404, "model_not_found")
