"""What Ollama's answers look like: NDJSON lines, or one JSON object."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from records.rows import GenerationRow

# Two blanks, as in Ollama's own source.
_BUSY = b'{"error":"server busy, please try again.  maximum pending requests exceeded"}'


@dataclass(frozen=True)
class OllamaWire:
    """One answer of /api/chat or /api/generate."""

    model: str
    streams: bool
    chats: bool
    """Whether text stands in `message.content`, as /api/chat has it, or in `response`."""
    wall: Callable[[], datetime]
    tool: str = ""
    """The tool whose arguments the answer is; a call is told in one piece, and the reason of its end is "stop"."""
    call_id: str = ""
    busy: bytes = _BUSY
    begin: bytes = b""

    @property
    def media_type(self) -> bytes:
        return b"application/x-ndjson" if self.streams else b"application/json; charset=utf-8"

    def token(self, text: str) -> bytes:
        return b"" if self.tool else self._line(text, done=False)

    def end(self, text: str, done_reason: str, row: GenerationRow) -> bytes:
        told: dict[str, Any] = {"done": True, "done_reason": done_reason, **_usage(row)}
        if self.tool:
            # Arguments that were cut off by num_predict are no call.
            return self._called(text if done_reason == "stop" else "", told)
        return self._line("" if self.streams else text, **told)

    def empty(self, done_reason: str) -> bytes:
        """The answer to an empty prompt, which only loads or unloads the model."""
        return self._line("", done=True, done_reason=done_reason)

    def _called(self, arguments: str, told: dict[str, Any]) -> bytes:
        function = {"index": 0, "name": self.tool, "arguments": orjson.Fragment(arguments)}
        calls: list[Any] = [{"id": self.call_id, "function": function}] if arguments else []
        if self.streams:
            return (self._line("", calls, done=False) if calls else b"") + self._line("", **told)
        return self._line("", calls, **told)

    def _line(self, text: str, calls: list[Any] = [], **more: Any) -> bytes:
        said: dict[str, object] = {"response": text}
        if self.chats:
            said = {"message": {"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})}}
        line = {"model": self.model, "created_at": self.wall(), **said, **more}
        return orjson.dumps(line, option=orjson.OPT_UTC_Z | (orjson.OPT_APPEND_NEWLINE if self.streams else 0))


def _usage(row: GenerationRow) -> dict[str, int]:
    """Ollama's figures, in nanoseconds; waiting for a slot is part of its load_duration."""
    started = row.started_s or row.queued_s
    first = row.first_token_s or row.finished_s
    return {
        "total_duration": nanoseconds(row.finished_s - row.queued_s),
        "load_duration": nanoseconds(started - row.queued_s),
        "prompt_eval_count": row.tokens_in,
        "prompt_eval_duration": nanoseconds(first - started),
        "eval_count": row.tokens_out,
        "eval_duration": nanoseconds(row.finished_s - first),
    }


def nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
