"""Finds the messages of a response's body, however TCP cut it."""

import re

_BOUNDARIES = {
    "text/event-stream": re.compile(rb"\r\n\r\n|\n\n|\r\r"),
    "application/x-ndjson": re.compile(rb"\n"),
    "application/jsonl": re.compile(rb"\n"),
}


class Messages:
    """Takes a body as it comes and gives back whole messages; `rest` is what has no boundary yet."""

    def __init__(self, content_type: str = "") -> None:
        self._boundary = _BOUNDARIES.get(content_type.split(";")[0].strip().lower())
        self._searched = 0
        self.rest = b""

    def is_one(self, data: bytes) -> bool:
        """Whether the next piece is exactly one message, as most are in a paced stream."""
        if self._boundary is None:
            return bool(data)
        if self.rest:
            return False
        end = self._boundary.search(data)
        return end is not None and end.end() == len(data)

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole now; of a body without boundaries, each chunk is one."""
        if self.is_one(data):
            return [data]
        if self._boundary is None:
            return []
        self.rest += data
        found, begin = [], 0
        while end := self._boundary.search(self.rest, max(begin, self._searched)):
            found.append(self.rest[begin : end.end()])
            begin = end.end()
        self.rest = self.rest[begin:]
        # A boundary may be cut in two, at most three of its four bytes are here.
        self._searched = max(0, len(self.rest) - 3)
        return found
