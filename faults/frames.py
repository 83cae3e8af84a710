"""What a message says, and how to say it otherwise: SSE events, NDJSON lines, JSON; of Ollama, OpenAI and Anthropic."""

import json
import re
from collections.abc import Iterator
from typing import Any

from faults.actions import Message
from faults.providers import provider_of

Object = dict[str, Any]

DONE = b"[DONE]"
_LINE_END = re.compile(rb"\r\n|\n|\r")
_DATA = re.compile(rb"(?:\A(\xef\xbb\xbf)?|(?<=[\r\n]))data(?:: ?([^\r\n]*))?(\r\n|\n|\r|\Z)")
"""A line of data: a byte order mark before it, its value, and its end."""
_PERHAPS_END = re.compile(rb'\[DONE\]|"done"\s*:\s*true|"(?:finish|stop)_reason"\s*:\s*"|"(?:message_stop|response\.\w+)"')
"""Looked for first: nearly all messages of a stream are no end, and need not be parsed."""
ENDS = ("message_stop", "response.completed", "response.incomplete", "response.failed")
"""Types of events that end an answer, Anthropic's and of OpenAI's Responses API."""


def is_framed(message: Message) -> bool:
    """Whether it is one of the messages of a stream, as a JSON body, a chunk of anything else and the end of a body are not."""
    return bool(message.data) and message.sort in ("sse", "ndjson")


def payload_of(message: Message) -> bytes | None:
    """The JSON text (or `[DONE]`) that it carries; None where there is none, as in a comment or a blank line."""
    if message.sort == "sse":
        lines = [line[2] or b"" for line in _DATA.finditer(message.data)]
        return b"\n".join(lines) if lines else None
    return (message.data.strip() or None) if message.sort else None


def value_of(message: Message) -> Object:
    """The object that it carries; an empty one where it carries none."""
    try:
        value = json.loads(payload_of(message) or b"")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def objects(holder: Object, name: str) -> list[Object]:
    """The objects in this field, be it a list of them or one; none where it is anything else."""
    told = holder.get(name)
    return [one for one in (told if isinstance(told, list) else [told]) if isinstance(one, dict)]


def written(value: object) -> bytes:
    """As providers write JSON: no blanks, no escapes but those that UTF-8 cannot do without."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def with_payload(message: Message, payload: bytes) -> bytes:
    """The same message but for what it carries: its other fields, its line ends and its boundary stay."""
    if message.sort != "sse":
        return message.data.replace(message.data.strip(), payload, 1)
    end = line_end(message)
    lines = iter([b"data: " + payload.replace(b"\n", end + b"data: ")])
    return _DATA.sub(lambda old: (old[1] or b"") + line + old[3] if (line := next(lines, b"")) else b"", message.data)


def with_value(message: Message, value: object) -> bytes:
    """The same message, but it carries this."""
    return with_payload(message, written(value))


def frame(message: Message, payload: bytes, event: str = "") -> bytes:
    """A new message of the same sort, with the line ends of `message`; `event` is its name, where the sort has names."""
    if message.sort != "sse":
        return payload + (b"\n" if message.sort == "ndjson" else b"")
    end = line_end(message)
    return (b"event: " + event.encode() + end if event else b"") + b"data: " + payload + end + end


def line_end(message: Message) -> bytes:
    found = _LINE_END.search(message.data)
    return found[0] if found else b"\n"


def says_end(message: Message) -> bool:
    """Whether it tells that the answer is complete: `done`, a `finish_reason` or `stop_reason`, [DONE]."""
    if not is_framed(message) or not _PERHAPS_END.search(message.data):
        return False
    value = value_of(message)
    ends = [value.get("done") is True, value.get("type") in ENDS, payload_of(message) == DONE]
    reasons = [choice.get("finish_reason") for choice in objects(value, "choices")]
    return any([*ends, *reasons, *(delta.get("stop_reason") for delta in objects(value, "delta"))])


def keep_alive(message: Message, named: bool = False) -> bytes:
    """What a provider sends so that nobody hangs up, in place of `message`; it says nothing.

    SSE has comments, and pings as events of that name, which is Anthropic's way; before a JSON body DeepSeek sends empty
    lines (its page on rate limits). NDJSON has nothing of the kind: there, it is a line without text.
    """
    if message.sort == "sse":
        end = line_end(message)
        as_event = named or provider_of(message.request.path) == "anthropic"
        return frame(message, b'{"type": "ping"}', "ping") if as_event else b": ping" + end + end
    return frame(message, written(silent(value_of(message)))) if message.sort == "ndjson" else b"\n"


def silent(told: Object) -> Object:
    """A line of Ollama's that says nothing, by the same model and of the same moment as `told`."""
    said: Object = {"response": ""} if "response" in told else {"message": {"role": "assistant", "content": ""}}
    return {**{name: told[name] for name in ("model", "created_at") if name in told}, **said, "done": False}


def arguments_of(value: Object) -> Iterator[tuple[str, Object, str]]:
    """Where text of tool-call arguments stands: whose it is, the object that holds it, and the name of its field.

    OpenAI's and Anthropic's; Ollama's arguments are no text but an object.
    """
    for choice in objects(value, "choices"):
        said = objects(choice, "delta") + objects(choice, "message")
        for call in (call for one in said for call in objects(one, "tool_calls")):
            for function in objects(call, "function"):
                if isinstance(function.get("arguments"), str):
                    yield f"{choice.get('index')} {call.get('index', call.get('id'))}", function, "arguments"
    for delta in objects(value, "delta"):
        if isinstance(delta.get("partial_json"), str):
            yield str(value.get("index")), delta, "partial_json"
