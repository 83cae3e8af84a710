"""Frames that are not as they should be: broken, twice, out of order, or in between."""

from faults.actions import Actions, Count, Message
from faults.frames import frame, is_framed, line_end, objects, payload_of, says_end, value_of, with_payload, written

# Azure's first frame when it filters prompts, archive-old-cli-mentat issue 429.
SAFE = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
PROMPT_FILTERED = {
    "id": "",
    "object": "",
    "created": 0,
    "model": "",
    "choices": [],
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": SAFE}],
}


def malformed(message: Message, at: Count = 1) -> Actions:
    """Break the JSON of message `at`, or as message 0 a JSON body: its second half is missing."""
    payload = payload_of(message) if message.index == at else None
    if payload:
        whole = payload[: len(payload) // 2].decode(errors="ignore").encode()  # it is the JSON that is to be wrong
        yield with_payload(message, whole)
    else:
        yield message.data


def duplicated(message: Message, at: Count = 1) -> Actions:
    """Send message `at` of a stream twice; JSON bodies pass."""
    if message.index == at and is_framed(message):
        yield message.data
    yield message.data


def reordered(message: Message, memory: list[bytes], at: Count = 1) -> Actions:
    """Send message `at` of a stream after the one that follows it; an end stays where it is, and JSON bodies pass."""
    if message.index == at and is_framed(message) and not says_end(message):
        memory.append(message.data)
    else:
        yield message.data
        while memory:
            yield memory.pop()


def empty_choices(message: Message, at: Count = 0) -> Actions:
    """Send a frame with no choices before message `at`, as Azure does; only in OpenAI's streams, others know no choices."""
    if message.index == at and message.sort == "sse" and objects(value_of(message), "choices"):
        yield frame(message, written(PROMPT_FILTERED))
    yield message.data


def junk_line(message: Message, at: Count = 1, text: str = "") -> Actions:
    """Send a line of `text`, or an empty one, before message `at`, or as message 0 a JSON body."""
    if message.index == at and message.sort and message.data:
        yield text.encode() + line_end(message) * (2 if text and message.sort == "sse" else 1)
    yield message.data
