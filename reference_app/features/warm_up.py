"""warm_up: when the app starts it asks the questions of a file, so that the first users find their answers in the cache."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from reference_app.log import Log

if TYPE_CHECKING:
    from fastapi import FastAPI

    from reference_app.means import Means
    from reference_app.settings import Settings

KNOWN = frozenset({"question", "temperature", "top_p", "max_tokens", "seed"})


def warm_up(_: "Means") -> None:
    """Acts when the app starts, not around a call."""


def questions_of(path: str) -> list[dict[str, Any]]:
    """One a line: its words, or JSON as users send it. Every line that is neither is told."""
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    found, problems = [], []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(_question_of(line.strip()))
            except ValueError as error:
                problems.append(f"{path}, line {number}: {error}")
    if problems:
        raise ValueError("\n".join(problems))
    return found


def _question_of(line: str) -> dict[str, Any]:
    if not line.startswith("{"):
        return {"question": line}
    try:
        asked: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error}") from None
    if not isinstance(asked.get("question"), str):
        raise ValueError('has no "question"')
    if unknown := sorted(set(asked) - KNOWN):
        raise ValueError(f'knows no "{unknown[0]}". Known: {", ".join(sorted(KNOWN))}')
    return asked


class WarmUp:
    """Asks as users do, through the app itself: the same keys, and each question has its line and its tokens in the log."""

    def __init__(self, settings: "Settings", log: Log) -> None:
        self.settings, self.log = settings, log
        self._task: asyncio.Task[None] | None = None

    async def start(self, app: "FastAPI") -> None:
        """Back when all are answered, or after `warm_up_s`; the rest is asked meanwhile."""
        questions = questions_of(self.settings.warm_up_file) if self.settings.warm_up_file else []
        if questions:
            self._task = asyncio.create_task(self._ask(app, questions))
            await asyncio.wait([self._task], timeout=self.settings.warm_up_s)

    async def _ask(self, app: "FastAPI", questions: list[dict[str, Any]]) -> None:
        places, began_s = asyncio.Semaphore(self.settings.warm_up_calls), asyncio.get_running_loop().time()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://warm-up", timeout=None) as client:

            async def ask(number: int, question: dict[str, Any]) -> dict[str, Any]:
                async with places:
                    headers = {"x-request-id": f"warm-up-{number:06}"}
                    try:
                        answer = await client.post("/chat", json=question, headers=headers)
                    except Exception as error:
                        self.log("warm_up_failed", request_id=headers["x-request-id"], error=f"{type(error).__name__}: {error}")
                        return {}
                    told: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
                    return told

            told = await asyncio.gather(*(ask(number, question) for number, question in enumerate(questions, 1)))
        usage = [one["usage"] for one in told if one]
        self.log(
            "warm_up",
            questions=len(questions),
            answered=len(usage),
            tokens_in=sum(one["input_tokens"] for one in usage),
            tokens_out=sum(one["output_tokens"] for one in usage),
            took_s=asyncio.get_running_loop().time() - began_s,
        )

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
