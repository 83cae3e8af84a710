"""What an answer looks like on the wire: Ollama's NDJSON, of its two routes, and OpenAI's server-sent events."""

import json
from typing import Any, ClassVar

FINISH = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps({"model": "m", "created_at": "2026-01-01T00:00:00Z", **content}).encode() + b"\n"


def _event(content: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(content).encode() + b"\n\n"


class Ollama:
    """NDJSON."""

    root, route, probe = "", "/api/chat", "/api/version"
    streams = True
    """Unless told otherwise."""
    media_type = "application/x-ndjson"
    begin = b""
    finish: bytes
    pings: tuple[bytes, ...]
    ODD: ClassVar = {"halfline": b'{"model": "m", "mess', "junk": b"{not json\n", "list": b"[]\n", "shape": b'{"message": 7}\n'}

    @staticmethod
    def word(text: str) -> bytes:
        return _line({"message": {"role": "assistant", "content": text}, "done": False})

    @staticmethod
    def end(asked: int, said: int, why: str = "stop") -> bytes:
        return _line({**FINISH, "done_reason": why, "prompt_eval_count": asked, "eval_count": said})

    @staticmethod
    def error(text: str, code: str) -> dict[str, Any]:
        return {"error": f"{text} {code}".strip()}

    @classmethod
    def in_band(cls, text: str, code: str) -> bytes:
        return _line(cls.error(text, code))

    @classmethod
    def whole(cls, text: str, asked: int, said: int, why: str = "stop") -> dict[str, Any]:
        told = json.loads(cls.end(asked, said, why))
        return {**told, "message": {"role": "assistant", "content": text}}

    @staticmethod
    def continues(_body: dict[str, Any]) -> bool:
        return True


class Generate(Ollama):
    """NDJSON of the route that takes a prompt instead of messages: langchain-community's Ollama asks there."""

    route = "/api/generate"

    @staticmethod
    def word(text: str) -> bytes:
        return _line({"response": text, "done": False})

    @staticmethod
    def end(asked: int, said: int, why: str = "stop") -> bytes:
        counted = {"prompt_eval_count": asked, "eval_count": said}
        return _line({"response": "", "done": True, "done_reason": why, **counted})

    @classmethod
    def whole(cls, text: str, asked: int, said: int, why: str = "stop") -> dict[str, Any]:
        return {**json.loads(cls.end(asked, said, why)), "response": text}


class OpenAI:
    """Server-sent events."""

    root, route, probe = "/v1", "/v1/chat/completions", "/v1/models"
    streams = False
    media_type = "text/event-stream"
    begin: bytes
    finish: bytes
    pings: tuple[bytes, ...]
    ODD: ClassVar = {
        "halfline": b'data: {"id": "c", "choi',
        "junk": b"data: {not json\n\n",
        "list": b"data: []\n\n",
        "shape": b'data: {"choices": 7}\n\n',
    }

    @staticmethod
    def _chunk(choices: list[Any], **more: Any) -> bytes:
        return _event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more})

    @classmethod
    def _delta(cls, delta: dict[str, Any], finish: str | None = None) -> bytes:
        return cls._chunk([{"index": 0, "delta": delta, "finish_reason": finish}])

    @classmethod
    def word(cls, text: str) -> bytes:
        return cls._delta({"content": text})

    @classmethod
    def end(cls, asked: int, said: int, why: str = "stop") -> bytes:
        usage = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
        return cls._delta({}, why) + cls._chunk([], usage=usage) + b"data: [DONE]\n\n"

    @staticmethod
    def error(text: str, code: str) -> dict[str, Any]:
        return {"error": {"message": text, "type": code or "server_error", "param": None, "code": code or None}}

    @classmethod
    def in_band(cls, text: str, code: str) -> bytes:
        return _event(cls.error(text, code))

    @staticmethod
    def whole(text: str, asked: int, said: int, why: str = "stop") -> dict[str, Any]:
        usage = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": why}
        return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}

    @staticmethod
    def continues(body: dict[str, Any]) -> bool:
        """As vLLM does, where it is told to."""
        return bool(body.get("continue_final_message")) and body.get("add_generation_prompt") is False


Ollama.finish = _line(FINISH)
Ollama.pings = (Ollama.word(""),)
Generate.finish = Generate.end(0, 0)
Generate.pings = (Generate.word(""),)
OpenAI.begin = OpenAI._delta({"role": "assistant", "content": ""})
OpenAI.finish = OpenAI._delta({}, "stop")
OpenAI.pings = b": keep-alive\n\n", OpenAI.word(""), OpenAI._delta({})

Wire = type[Ollama] | type[OpenAI]
WIRES: dict[str, Wire] = {"ollama": Ollama, "openai": OpenAI, "generate": Generate}
