"""A user in a session, or in a thread of the graph, over TCP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.reference_app.conftest import App, Told
from tests.reference_app.stub import Provider


@dataclass
class Talk:
    """Asks one question after the other; the session is the one that the first answer told."""

    app: App
    user: str = ""
    session: str | None = None
    stream: bool = False
    kind: str = "session"
    """Or "graph", whose sessions are called threads."""

    @property
    def key(self) -> str:
        return "thread" if self.kind == "graph" else "session"

    def ask(self, question: str, **params: Any) -> Told:
        named = {self.key: self.session} if self.session else {}
        told = self.app.ask(question, f"/chat/{self.kind}" + "/stream" * self.stream, user=self.user, **named, **params)
        self.session = self.session or told.headers.get(f"x-{self.key}")
        return told

    @contextmanager
    def streamed(self, question: str) -> Iterator[Iterator[bytes]]:
        """The pieces of an answer as they come; who does not read them to the end leaves."""
        headers, body = {"x-user-id": self.user} if self.user else {}, {"question": question, self.key: self.session}
        with httpx.stream(
            "POST", f"{self.app.url}/chat/{self.kind}/stream", json=body, headers=headers, timeout=20
        ) as response:
            yield response.iter_raw()

    def get(self) -> httpx.Response:
        return self._at("GET")

    def delete(self) -> httpx.Response:
        return self._at("DELETE")

    def _at(self, method: str) -> httpx.Response:
        headers = {"x-user-id": self.user} if self.user else {}
        return httpx.request(method, f"{self.app.url}/chat/{self.kind}/{self.session}", headers=headers)

    @property
    def said(self) -> list[str]:
        """What is kept, the oldest first."""
        return [message["content"] for message in self.get().json()["messages"]]


def sent(provider: Provider, told: Told) -> list[str]:
    """The messages that the model was given for this answer."""
    return [message["content"] for message in provider.of(told.request_id)[-1].body["messages"]]
