"""A page of headless Chromium, over its debugging protocol."""

import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import pytest
import websocket

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--remote-debugging-port=0", "--remote-allow-origins=*",
)  # fmt: skip

NAMED = {"Enter": (13, "\r"), "Tab": (9, ""), "ArrowDown": (40, ""), "ArrowUp": (38, ""), "Escape": (27, "")}
"""Keys that are no letters: their code, and what they write."""


class Browser:
    """One page; `events` holds what it told since it was opened."""

    def __init__(self, port: str) -> None:
        pages = json.load(urlopen(f"http://127.0.0.1:{port}/json"))
        page = next(one for one in pages if one["type"] == "page")
        self._socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=20)
        self._last = 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": params}))
        while (told := json.loads(self._socket.recv())).get("id") != self._last:
            self.events.append(told)
        assert "error" not in told, told
        return told["result"]

    def open(self, url: str, width: int, scheme: str, media: str = "", scripts: bool = True) -> None:
        """`media`: "print" to see it as on paper."""
        self.events.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(json.loads(self._socket.recv()))

    def value(self, expression: str) -> Any:
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """A named key, or a letter or digit, wherever the focus is."""
        code, text = NAMED.get(key, (ord(key[0]), key))
        kind = "keyDown" if text else "rawKeyDown"
        self.call(
            "Input.dispatchKeyEvent",
            type=kind,
            key=key,
            code=key if key in NAMED else "",
            text=text,
            windowsVirtualKeyCode=code,
        )
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def told(self, method: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event.get("method") == method]


@contextmanager
def chromium() -> Iterator[Browser]:
    path = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no chromium on this machine")
    home = tempfile.mkdtemp()
    process = subprocess.Popen([path, *FLAGS, f"--user-data-dir={home}", "about:blank"], stderr=subprocess.PIPE, text=True)
    try:
        yield Browser(_port(process))
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(home, ignore_errors=True)


def _port(process: "subprocess.Popen[str]") -> str:
    deadline = time.monotonic() + 20
    assert process.stderr is not None
    while time.monotonic() < deadline and (line := process.stderr.readline()):
        if found := re.search(r"DevTools listening on ws://127\.0\.0\.1:(\d+)/", line):
            return found[1]
    pytest.fail("chromium never listened")
