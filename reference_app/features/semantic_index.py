"""The questions that were answered, as vectors, and which of them is nearest: compared with all, fast enough for thousands."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Entry:
    """A question of one namespace, and its answer."""

    namespace: str
    question: str
    answer: bytes
    text: str
    until_s: float


class Index:
    """In the memory of this process; a new entry takes the place of the oldest."""

    def __init__(self, max_entries: int) -> None:
        self.max_entries = max_entries
        self._entries: list[Entry] = []
        self._oldest = 0
        self._vectors: NDArray[np.float32] = np.zeros((0, 0), np.float32)

    def add(self, vector: NDArray[np.float32], entry: Entry) -> None:
        if self._vectors.shape[1] != len(vector):
            # Another embedding model: what came from the one before it cannot be compared.
            self._vectors, self._entries, self._oldest = np.zeros((self.max_entries, len(vector)), np.float32), [], 0
        if len(self._entries) < self.max_entries:
            self._entries.append(entry)
            place = len(self._entries) - 1
        else:
            place, self._oldest = self._oldest, (self._oldest + 1) % self.max_entries
            self._entries[place] = entry
        self._vectors[place] = vector

    def near(self, vector: NDArray[np.float32], namespace: str, least: float, now_s: float) -> Iterator[Entry]:
        """Those of the namespace at least so similar, the nearest first."""
        count = len(self._entries)
        if not count or self._vectors.shape[1] != len(vector):
            return
        similar = self._vectors[:count] @ vector
        places = np.flatnonzero(similar >= least)
        for place in places[np.argsort(-similar[places])]:
            entry = self._entries[int(place)]
            if entry.namespace == namespace and entry.until_s > now_s:
                yield entry


def unit(vector: list[Any]) -> NDArray[np.float32]:
    """Of length one, so that a product is a cosine."""
    made = np.asarray(vector, np.float32)
    length = float(np.linalg.norm(made)) if made.ndim == 1 else 0.0
    if not 0.0 < length < np.inf:
        raise ValueError("the embedding is no vector of numbers with a length")
    unit_vector: NDArray[np.float32] = made / np.float32(length)
    return unit_vector
