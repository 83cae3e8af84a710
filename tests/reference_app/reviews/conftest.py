"""A provider that analyses: what a review says beside its words is how the answer comes."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.reference_app.stub import Connection, Provider, Seen, serve_provider

COMMAND = [sys.executable, "-m", "reference_app.reviews"]


def analysis_of(review: str) -> dict[str, Any]:
    """What the provider makes of a review: another one for each."""
    return {"sentiment": "positive", "score": 0.75, "topics": ["price"], "summary": f"It says: {review[:50]}"}


class Analysing(Connection):
    """ "slow=0.1" takes so long · "status=503 times=2" fails so often · "odd=1" is no JSON at first, "odd=2" never."""

    async def answer(self, seen: Seen, messages: list[dict[str, Any]]) -> None:
        asked = [message["content"] for message in messages if message["role"] == "user"]
        review = json.loads(asked[0])
        told = dict(pair.split("=", 1) for pair in review.split() if "=" in pair)
        nth = sum(one.body["messages"][1]["content"] == asked[0] for one in self.provider.seen)
        await asyncio.sleep(float(told.get("slow", 0)))
        if "status" in told and nth <= int(told.get("times", 1_000_000)):
            self.whole(int(told["status"]), self.wire.error(f"injected {told['status']}", ""), seen=seen)
        elif self.provider.out:
            self.whole(503, self.wire.error("injected outage", ""), seen=seen)
        else:
            odd = len(asked) <= int(told.get("odd", 0))
            self._say("I cannot do that." if odd else f"```json\n{json.dumps(analysis_of(review))}\n```")
            seen.ended = "done"

    def _say(self, text: str) -> None:
        self.begin()
        self.chunk(self.wire.word(text))
        self.chunk(self.wire.end(30, 20))
        self.out.write(b"0\r\n\r\n")


@pytest.fixture
def analysing() -> Iterator[Provider]:
    provider, stop = serve_provider("ollama", Analysing)
    yield provider
    stop()


@dataclass
class Reviews:
    """The command, with this provider and this folder."""

    provider: Provider
    folder: Path

    @property
    def out(self) -> Path:
        return self.folder / "out.jsonl"

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.read_text().splitlines()]

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def environment(self, **settings: str) -> dict[str, str]:
        return {**os.environ, "APP_PROVIDER_URL": self.provider.url, "APP_RETRY_BASE_S": "0.01", **settings}

    def start(self, source: Path, *flags: str, **settings: str) -> subprocess.Popen[str]:
        command = [*COMMAND, str(source), "--out", str(self.out), *flags]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=self.environment(**settings))

    def run(self, source: Path, *flags: str, **settings: str) -> tuple[int, str]:
        """The exit code, and what was said."""
        process = self.start(source, *flags, **settings)
        said = process.communicate(timeout=60)[1]
        return process.returncode, said


@pytest.fixture
def reviews(analysing: Provider, tmp_path: Path) -> Reviews:
    return Reviews(analysing, tmp_path)


def lines(count: int, more: Callable[[int], str] = lambda _: "") -> str:
    """So many reviews as text."""
    return "".join(f"review {number} {more(number)}\n" for number in range(1, count + 1))
