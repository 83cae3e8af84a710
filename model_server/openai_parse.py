"""What a request to OpenAI's API asks: pure."""

from collections.abc import Mapping
from typing import Any

import orjson

from model_server.answers import Prompt, tokens
from model_server.embeddings import CONTEXT, DIMENSIONS
from model_server.models import Model, Models
from model_server.openai_fields import Number, Refused, missing, number, texts, told_value, too_long, typed, unknown, wrong
from model_server.tools import ANSWER, Tool, chosen, parse_tools, written

INPUTS = 2048
"""Texts of a request for embeddings at most."""
STOPS = 4
ROLES = ("system", "assistant", "user", "function", "tool", "developer")
ENCODINGS = ("float", "base64")
FORMATS = ("text", "json_object", "json_schema")
SAMPLING = {
    "temperature": Number(0, 2),
    "top_p": Number(0, 1),
    "presence_penalty": Number(-2, 2),
    "frequency_penalty": Number(-2, 2),
    "seed": Number(-(2**63), 2**63 - 1, whole=True),
    "max_tokens": Number(1, whole=True),
    "max_completion_tokens": Number(1, whole=True),
}


def parse_chat(body: Mapping[str, Any]) -> Prompt:
    """What POST /v1/chat/completions asks; a last message of the assistant is not continued, as with OpenAI itself."""
    messages = _messages(body)
    asked = [text for role, text in messages if role == "user"]
    question, answered = asked[-1] if asked else "", messages[-1][0] in ("tool", "function")
    tool, schema = _tool(body, question), _schema(body)
    if tool and not answered:
        return _prompt(body, question, messages, _json(tool.schema, question, "tools"), tool.name)
    return _prompt(body, question, messages, _json(schema, question, "response_format") if schema else "")


def parse_completion(body: Mapping[str, Any]) -> Prompt:
    """What POST /v1/completions asks: one prompt."""
    prompts = [""] if body.get("prompt") is None else texts(body["prompt"], "prompt")
    if len(prompts) > 1:
        raise too_long("prompt", 1, len(prompts))
    question = prompts[0] if prompts else ""
    return _prompt(body, question, [("user", question)])


def parse_streaming(body: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether the answer is streamed, and whether its usage is told then."""
    streams, options = typed(body, "stream", bool, False), typed(body, "stream_options", dict, None)
    if options is not None and not streams:
        raise Refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    return streams, typed(options or {}, "include_usage", bool, False, "stream_options.")


def parse_inputs(body: Mapping[str, Any]) -> list[str]:
    """What POST /v1/embeddings asks."""
    if body.get("input") is None:
        raise missing("input")
    inputs = texts(body["input"], "input")
    if len(inputs) > INPUTS:
        raise too_long("input", INPUTS, len(inputs))
    if not all(inputs or [""]):
        raise Refused("'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.")
    if (most := max(map(tokens, inputs))) > CONTEXT:
        told = f"however you requested {most} tokens ({most} in your prompt; 0 for the completion)"
        raise Refused(f"This model's maximum context length is {CONTEXT} tokens, {told}. Please reduce your prompt.")
    return inputs


def parse_form(body: Mapping[str, Any]) -> tuple[int, bool]:
    """How many dimensions an embedding has, and whether it is told in base64."""
    encoding = typed(body, "encoding_format", str, "float")
    if encoding not in ENCODINGS:
        raise unknown(encoding, "encoding_format", ENCODINGS)
    return number(body, "dimensions", Number(1, DIMENSIONS, whole=True)) or DIMENSIONS, encoding == "base64"


def parse_body(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refused(f"We could not parse the JSON body of your request: {error}") from None
    if not isinstance(body, dict):
        raise Refused("The JSON body of your request must be an object.")
    return body


def parse_model(body: Mapping[str, Any], known: Models, speaking: str = "") -> tuple[str, Model]:
    """The name as it was asked for, and whose it is; `speaking`: the address where only a model with words is of use."""
    model: str = typed(body, "model", str, "")
    if not model:
        raise Refused("you must provide a model parameter")
    found = known.named(model)
    if found is None:
        raise no_model(model)
    if speaking and not found.speaks:
        sort = "chat" if "chat" in speaking else "completion"
        raise Refused(f"This is not a {sort} model and thus not supported in the {speaking} endpoint.", "model", status=404)
    return model, found


def no_model(model: str) -> Refused:
    return Refused(f"The model `{model}` does not exist or you do not have access to it.", "model", "model_not_found", 404)


def _messages(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Role and text of each."""
    messages = typed(body, "messages", list, None)
    if messages is None:
        raise missing("messages")
    if not messages:
        told = "Expected an array with minimum length 1, but got an empty array instead."
        raise Refused(f"Invalid 'messages': empty array. {told}", "messages", "empty_array")
    return [_message(message, f"messages[{at}]") for at, message in enumerate(messages)]


def _message(message: object, where: str) -> tuple[str, str]:
    if not isinstance(message, dict):
        raise wrong(message, where, "an object")
    role, content = message.get("role"), message.get("content")
    if role is None:
        raise missing(f"{where}.role")
    if role not in ROLES:
        raise unknown(role, f"{where}.role", ROLES)
    if content is None and role == "assistant":  # it called a tool
        return role, ""
    if isinstance(content, list):
        return role, "".join(_part(part, f"{where}.content[{at}]") for at, part in enumerate(content))
    if not isinstance(content, str):
        raise wrong(content, f"{where}.content", "a string or an array")
    return role, content


def _part(part: object, where: str) -> str:
    if not isinstance(part, dict):
        raise wrong(part, where, "an object")
    if (kind := part.get("type")) != "text":
        raise Refused(f"Invalid content type. {told_value(kind)} is only supported by certain models.", f"{where}.type")
    if not isinstance(text := part.get("text"), str):
        raise wrong(text, f"{where}.text", "a string")
    return text


def _tool(body: Mapping[str, Any], question: str) -> Tool | None:
    """The one to be called, if any."""
    try:
        tools = parse_tools(typed(body, "tools", list, []))
    except ValueError as error:
        raise Refused(f"Invalid 'tools': {error}", "tools", "invalid_value") from None
    choice = body.get("tool_choice")
    if choice is not None and not tools:
        raise Refused("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
    match choice:
        case None | "auto":
            return chosen(tools, question, demanded=False)
        case "none":
            return None
        case "required":
            return chosen(tools, question, demanded=True)
        case {"type": "function", "function": {"name": name}}:
            return _named(tools, name)
    raise unknown(choice, "tool_choice", ("none", "auto", "required", "function"))


def _named(tools: list[Tool], name: object) -> Tool:
    for tool in tools:
        if tool.name == name:
            return tool
    raise Refused(f"Tool choice '{told_value(name)}' not found in 'tools' parameter.", "tool_choice")


def _schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the answer's JSON has to fit; None where an answer in words is asked for."""
    wanted = typed(body, "response_format", dict, {"type": "text"})
    if (kind := wanted.get("type")) not in FORMATS:
        raise unknown(kind, "response_format.type", FORMATS)
    if kind == "json_schema":
        told = typed(wanted, "json_schema", dict, {}, "response_format.")
        schema: Mapping[str, Any] = typed(told, "schema", dict, ANSWER, "response_format.json_schema.")
        return schema
    return ANSWER if kind == "json_object" else None


def _json(schema: Mapping[str, Any], question: str, name: str) -> str:
    try:
        return written(schema, question)
    except ValueError as error:
        raise Refused(f"Invalid schema for '{name}': {error}", name, "invalid_json_schema") from None


def _prompt(body: Mapping[str, Any], question: str, messages: list[tuple[str, str]], json: str = "", tool: str = "") -> Prompt:
    number(body, "n", Number(1, 1, whole=True))
    params = {name: value for name in SAMPLING if (value := number(body, name, SAMPLING[name])) is not None}
    if "max_tokens" in params and "max_completion_tokens" in params:
        told = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
        raise Refused(told, "max_tokens", "invalid_parameter_combination")
    if stop := _stop(body):
        params["stop"] = body["stop"]
    limit = params.get("max_completion_tokens", params.get("max_tokens"))
    turn = max(sum(role == "user" for role, _ in messages), 1)
    return Prompt(question, [text for _, text in messages], params, turn, "", limit, stop, json, tool)


def _stop(body: Mapping[str, Any]) -> tuple[str, ...]:
    stop = body.get("stop")
    if stop is None:
        return ()
    found = (stop,) if isinstance(stop, str) else stop
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise wrong(stop, "stop", "a string or an array of strings")
    if len(found) > STOPS:
        raise too_long("stop", STOPS, len(found))
    return tuple(found)
