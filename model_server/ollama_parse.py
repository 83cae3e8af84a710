"""What a request to Ollama's API asks, and what is refused: pure."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import orjson

from model_server.answers import Prompt, tokens
from model_server.embeddings import CONTEXT, DIMENSIONS
from model_server.keep_alive import parse_keep_alive
from model_server.models import Model, Models
from model_server.tools import ANSWER, chosen, parse_tools, written

# The other options of Ollama (num_ctx, num_thread, ...) choose where it runs, not what it says.
SAMPLING: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("temperature", "top_p", "min_p", "typical_p", "tfs_z", "repeat_penalty"), (int, float)),
    **dict.fromkeys(("presence_penalty", "frequency_penalty", "mirostat_tau", "mirostat_eta"), (int, float)),
    **dict.fromkeys(("seed", "num_predict", "top_k", "repeat_last_n", "mirostat"), int),
    "stop": list,
}
INPUTS = 2048
"""Texts of a request for embeddings at most, as with OpenAI; Ollama has no such limit, and no such memory."""


_Value = TypeVar("_Value")


class Refused(Exception):
    """What Ollama answers with a status and an error."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


def parse_chat(body: Mapping[str, Any]) -> Prompt:
    """What POST /api/chat asks; a last message of the assistant is an answer to be continued."""
    messages = [_message(message) for message in typed(body, "messages", list, [])]
    asked = [text for role, text in messages if role == "user"]
    question, last = asked[-1] if asked else "", messages[-1] if messages else (None, "")
    so_far = last[1] if last[0] == "assistant" else ""
    tool, json = _refusing(lambda: _called(body, question, answered=last[0] == "tool"))
    return _prompt(body, question, [text for _, text in messages], len(asked), so_far, tool, json)


def _message(message: object) -> tuple[object, str]:
    """Its role and its text."""
    if isinstance(message, dict):
        text = "" if message.get("content") is None else message["content"]
        if isinstance(text, str):
            return message.get("role"), text
    raise Refused(400, "messages must be objects with a content that is a text")


def parse_generate(body: Mapping[str, Any]) -> Prompt:
    """What POST /api/generate asks."""
    question, system = typed(body, "prompt", str, ""), typed(body, "system", str, "")
    json = _refusing(lambda: _formatted(body, question))
    return _prompt(body, question, [text for text in (system, question) if text], turn=1, so_far="", json=json)


def parse_inputs(body: Mapping[str, Any]) -> list[str]:
    """What POST /api/embed asks; no text at all is in order, and gets no embedding."""
    value = body.get("input")
    texts = ([value] if value else []) if isinstance(value, str) else value if value is not None else []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Refused(400, "invalid input type")
    if len(texts) > INPUTS:
        raise Refused(400, f"too many inputs: {len(texts)}, at most {INPUTS}")
    if not typed(body, "truncate", bool, True) and any(tokens(text) > CONTEXT for text in texts):
        raise Refused(400, "the input length exceeds the context length")
    return texts


def parse_dimensions(body: Mapping[str, Any]) -> int:
    """As many as are asked for; what makes no sense is as good as absent, as in Ollama."""
    asked: int = typed(body, "dimensions", int, 0)
    return asked if 0 < asked < DIMENSIONS else DIMENSIONS


def parse_keep_s(body: Mapping[str, Any]) -> float | None:
    """Seconds; None where it is left open."""
    return _refusing(lambda: parse_keep_alive(body.get("keep_alive")))


def parse_body(raw: bytes) -> dict[str, Any]:
    if not raw:
        raise Refused(400, "missing request body")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"invalid JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refused(400, "the request body must be a JSON object")
    return body


def parse_model(body: Mapping[str, Any], known: Models, speaking: str = "") -> tuple[str, Model]:
    """The name as it was asked for, and whose it is; `speaking`: what it must be able to do, in Ollama's words."""
    model: str = typed(body, "model", str, "") or typed(body, "name", str, "")
    if not model:
        raise Refused(400, "model is required")
    found = known.named(model)
    if found is None:
        raise Refused(404, f"model '{model}' not found")
    if speaking and not found.speaks:
        raise Refused(400, f'"{model}" does not support {speaking}')
    return model, found


def typed(values: Mapping[str, Any], name: str, kind: type | tuple[type, ...], default: Any) -> Any:
    """A field of JSON; null is as good as absent."""
    value = values.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Refused(400, f"{name} is of the wrong type: {type(value).__name__}")
    return value


def _called(body: Mapping[str, Any], question: str, answered: bool) -> tuple[str, str]:
    """The tool to be called and its arguments, or JSON of the format that is asked for; empty: an answer in words."""
    tool = chosen(parse_tools(typed(body, "tools", list, [])), question, demanded=False)
    if tool and not answered:
        return tool.name, written(tool.schema, question)
    return "", _formatted(body, question)


def _formatted(body: Mapping[str, Any], question: str) -> str:
    wanted = body.get("format") or None
    if wanted == "json":
        return written(ANSWER, question)
    if wanted is not None and not isinstance(wanted, dict):
        raise ValueError('invalid format: expected "json" or a JSON schema')
    return written(wanted, question) if wanted else ""


def _prompt(
    body: Mapping[str, Any], question: str, texts: list[str], turn: int, so_far: str, tool: str = "", json: str = ""
) -> Prompt:
    options = typed(body, "options", dict, {})
    params = {name: value for name in SAMPLING if (value := typed(options, name, SAMPLING[name], None)) is not None}
    limit, stop = params.get("num_predict", 0), params.get("stop", ())
    if not all(isinstance(sequence, str) for sequence in stop):
        raise Refused(400, "stop must be a list of texts")
    return Prompt(question, texts, params, max(turn, 1), so_far, limit if limit > 0 else None, tuple(stop), json, tool)


def _refusing(parse: Callable[[], _Value]) -> _Value:
    try:
        return parse()
    except ValueError as error:
        raise Refused(400, str(error)) from None
