"""Answers that a content filter ends."""

from faults.actions import Actions, Count, Finish, Message
from faults.frames import DONE, Object, frame, is_framed, objects, says_end, silent, value_of, with_value, written
from faults.kinds.frame import SAFE
from faults.providers import provider_of

# As Azure tells it: learn.microsoft.com/azure/ai-services/openai/concepts/content-streaming
FOUND = {"content_filter_results": {**SAFE, "violence": {"filtered": True, "severity": "medium"}}}
EMPTY: Object = {"delta": {}, "message": {"role": "assistant", "content": None}, "text": "", "logprobs": None}
REFUSED = {"stop_reason": "refusal", "stop_sequence": None}


def content_filter(message: Message, at: Count = 3) -> Actions:
    """End a stream at message `at`, or empty a JSON body as message 0, with finish_reason `content_filter`.

    Anthropic says `refusal` instead. Ollama has no filter; a gateway in front of it could only say so by `done_reason`.
    """
    value = {} if message.index != at or says_end(message) else value_of(message)
    if filtered := _filtered(value):
        yield with_value(message, filtered)
        if message.sort == "sse":
            yield frame(message, DONE)
    elif message.sort == "sse" and "type" in value and provider_of(message.request.path) == "anthropic":
        yield from _refused(message, value)
    else:
        yield message.data
        return
    if is_framed(message):
        yield Finish()


def _filtered(value: Object) -> Object:
    """The same without what was said, and the filter's word; empty where that provider does not say it so."""
    if choices := objects(value, "choices"):
        return {**value, "choices": [_filtered_choice(choice) for choice in choices]}
    if "done" in value:
        return {**value, **silent(value), "done": True, "done_reason": "content_filter"}
    return {**value, "content": [], **REFUSED} if value.get("type") == "message" else {}


def _filtered_choice(choice: Object) -> Object:
    said = {name: empty for name, empty in EMPTY.items() if name in choice}
    return {**choice, **said, "finish_reason": "content_filter", **FOUND}


def _refused(message: Message, value: Object) -> Actions:
    """Anthropic's events after which an answer is over; what was begun is ended."""
    if value["type"] == "content_block_delta":
        yield _event(message, {"type": "content_block_stop", "index": value.get("index", 0)})
    elif value["type"] in ("message_start", "content_block_stop"):
        yield message.data
    yield _event(message, {"type": "message_delta", "delta": REFUSED, "usage": {"output_tokens": 0}})
    yield _event(message, {"type": "message_stop"})


def _event(message: Message, value: Object) -> bytes:
    return frame(message, written(value), str(value["type"]))
