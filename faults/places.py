"""A finite number of places, first come, first served. Knows no clock and no way to wait."""

from collections import deque
from collections.abc import Callable

Ready = Callable[[], None]


class Places:
    """Who enters is told when it has a place; who leaves hands it on, or gives up waiting."""

    def __init__(self, count: int = 1) -> None:
        self.count = count
        self._inside: set[Ready] = set()
        self._waiting: deque[Ready] = deque()

    @property
    def free(self) -> int:
        return max(0, self.count - len(self._inside))

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def enter(self, ready: Ready) -> None:
        """`ready` is called once there is a place, perhaps at once; it is also what `leave` knows its owner by."""
        self._waiting.append(ready)
        self._admit()

    def leave(self, ready: Ready) -> None:
        """Give back the place, or the place in the queue; a second time changes nothing."""
        if ready in self._inside:
            self._inside.remove(ready)
        elif ready in self._waiting:
            self._waiting.remove(ready)
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self.free:
            ready = self._waiting.popleft()
            self._inside.add(ready)
            ready()
