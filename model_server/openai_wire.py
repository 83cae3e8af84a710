"""What OpenAI's answers look like: server-sent events, or one JSON object."""

from typing import Any

import orjson

from records.rows import GenerationRow

FINGERPRINT = "fp_headwind"
_TEXT = "\x00"
"""Stands for a token's text while the bytes around it are made."""


class OpenAIWire:
    """One answer of /v1/chat/completions or /v1/completions."""

    def __init__(
        self, answer_id: str, model: str, created: int, *, streams: bool, chats: bool, usage: bool = False, tool: str = ""
    ) -> None:
        self.streams = streams
        self._chats, self._usage, self._tool = chats, usage, tool
        self._id, self._model, self._created = answer_id, model, created
        kind = "chat.completion" if chats else "text_completion"
        self._kind = f"{kind}.chunk" if chats and streams else kind
        # All chunks of an answer are alike but for their text: what is around it is written once.
        self._before, self._after = self._chunk(self._delta(_TEXT)).split(orjson.dumps(_TEXT))

    @property
    def media_type(self) -> bytes:
        return b"text/event-stream; charset=utf-8" if self.streams else b"application/json"

    @property
    def busy(self) -> bytes:
        message = "The engine is currently overloaded, please try again later"
        told = {"message": message, "type": "server_error", "param": None, "code": "server_is_overloaded"}
        return orjson.dumps({"error": told})

    @property
    def begin(self) -> bytes:
        """Role, and of a tool call its id and name; a plain completion has neither."""
        if not self._chats:
            return b""
        said: dict[str, Any] = {"content": None, "tool_calls": [self._call("")]} if self._tool else {"content": ""}
        return self._chunk({"delta": {"role": "assistant", **said, "refusal": None}})

    def token(self, text: str) -> bytes:
        return self._before + orjson.dumps(text) + self._after

    def end(self, text: str, done_reason: str, row: GenerationRow) -> bytes:
        reason = "tool_calls" if self._tool and done_reason == "stop" else done_reason
        if not self.streams:
            return orjson.dumps(self._object([self._choice(self._said(text), reason)], usage=_usage(row)))
        last = self._chunk({"delta": {}} if self._chats else {"text": ""}, reason)
        told = _event(self._object([], usage=_usage(row))) if self._usage else b""
        return last + told + b"data: [DONE]\n\n"

    def _delta(self, text: str) -> dict[str, Any]:
        if not self._chats:
            return {"text": text}
        if self._tool:
            return {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}}
        return {"delta": {"content": text}}

    def _said(self, text: str) -> dict[str, Any]:
        if not self._chats:
            return {"text": text}
        said: dict[str, Any] = {"role": "assistant", "content": None if self._tool else text, "refusal": None}
        if self._tool:
            call = self._call(text)
            del call["index"]
            said["tool_calls"] = [call]
        return {"message": said}

    def _call(self, arguments: str) -> dict[str, Any]:
        function = {"name": self._tool, "arguments": arguments}
        return {"index": 0, "id": "call_" + self._id.partition("-")[2], "type": "function", "function": function}

    def _chunk(self, said: dict[str, Any], reason: str | None = None) -> bytes:
        # Where usage is asked for, OpenAI tells of every other chunk that it holds none.
        usage = {"usage": None} if self._usage else {}
        return _event(self._object([self._choice(said, reason)], **usage))

    def _choice(self, said: dict[str, Any], reason: str | None) -> dict[str, Any]:
        return {"index": 0, **said, "logprobs": None, "finish_reason": reason}

    def _object(self, choices: list[Any], **more: Any) -> dict[str, Any]:
        told = {"id": self._id, "object": self._kind, "created": self._created, "model": self._model}
        return {**told, "system_fingerprint": FINGERPRINT, "choices": choices, **more}


def _event(value: object) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def _usage(row: GenerationRow) -> dict[str, int]:
    both = row.tokens_in + row.tokens_out
    return {"prompt_tokens": row.tokens_in, "completion_tokens": row.tokens_out, "total_tokens": both}
