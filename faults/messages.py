"""Finds the messages of a response's body, however TCP cut it."""

import re

_SORTS = {
    "text/event-stream": "sse",
    "application/x-ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/json": "json",
}
_BOUNDARIES = {
    # Two line ends in a row, each \r\n, \n or \r; proxies mix them. A \r that may yet become \r\n is waited for.
    "sse": re.compile(rb"\n\r?\n|\r\r|\n\r(?=[^\n])"),
    "ndjson": re.compile(rb"\n"),
    "json": re.compile(rb"(?!)"),  # never: all of it is one message
}


class Messages:
    """Takes a body as it comes and gives back whole messages; `rest` is what has no boundary yet."""

    def __init__(self, content_type: str = "") -> None:
        self.sort = _SORTS.get(content_type.split(";")[0].strip().lower(), "")
        """sse, ndjson or json; empty where nobody can tell."""
        self._boundary = _BOUNDARIES.get(self.sort)
        self._searched = 0
        self._rest = bytearray()  # bytes would be copied whole with every piece

    @property
    def rest(self) -> bytes:
        return bytes(self._rest)

    def is_one(self, data: bytes) -> bool:
        """Whether the next piece is exactly one message, as most are in a paced stream."""
        if self._boundary is None:
            return bool(data)
        if self._rest:
            return False
        end = self._boundary.search(data)
        return end is not None and end.end() == len(data)

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole now; of a body without boundaries, each chunk is one."""
        if self.is_one(data):
            return [data]
        if self._boundary is None:
            return []
        self._rest += data
        found, begin = [], 0
        while end := self._boundary.search(self._rest, max(begin, self._searched)):
            found.append(bytes(self._rest[begin : end.end()]))
            begin = end.end()
        del self._rest[:begin]
        # A boundary may be cut in two, at most three of its four bytes are here.
        self._searched = max(0, len(self._rest) - 3)
        return found
