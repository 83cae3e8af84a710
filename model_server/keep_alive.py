"""How long the model stays in memory after its last use, as Ollama's keep_alive says: seconds, or a duration like Go's."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from model_server.generation import Generation, Receive, Send

DEFAULT_S = 300.0
FOR_EVER_S = 2**63 / 1e9
"""Go's longest duration, 292 years; what any negative one means."""
_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_PART = r"(\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(ms|us|µs|μs|ns|h|m|s)"
_DURATION = re.compile(rf"([-+]?)(0|(?:{_PART})+)", re.ASCII)


def parse_keep_alive(value: object) -> float | None:
    """Seconds; None where it is left open. ValueError where it is no duration."""
    if value is None:
        return None
    seconds = _seconds(value)
    return FOR_EVER_S if seconds < 0 else min(seconds, FOR_EVER_S)


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise ValueError("keep_alive must be a number of seconds, or a duration such as 5m")
    if not (found := _DURATION.fullmatch(value)):
        raise ValueError(f'time: invalid duration "{value[:100]}"')
    seconds = sum(float(count) * _UNITS_S[unit] for count, unit in re.findall(_PART, value))
    return -seconds if found[1] == "-" else seconds


class Loaded:
    """Whether the model is in memory, and until when. It costs nothing: a slow load is a fault's to play, not ours."""

    def __init__(self, wall: Callable[[], datetime]) -> None:
        self._wall, self._in_use = wall, 0
        self._until: datetime | None = None
        self._keep_s = DEFAULT_S

    @property
    def expires_at(self) -> datetime | None:
        """None: it is not loaded. While it speaks, its time has not begun to run."""
        now = self._wall()
        if self._in_use:
            return now + timedelta(seconds=self._keep_s)
        return self._until if self._until and self._until > now else None

    def use(self, keep_s: float | None) -> None:
        """Loads it; left open, an earlier wish holds for as long as the model is loaded."""
        if keep_s is not None:
            self._keep_s = keep_s
        elif self.expires_at is None:
            self._keep_s = DEFAULT_S
        self._until = self._wall() + timedelta(seconds=self._keep_s)

    def during(self, generation: Generation, keep_s: float | None) -> Callable[..., Awaitable[None]]:
        """`generation`, for whose whole length the model is in use."""

        async def used(scope: object, receive: Receive, send: Send) -> None:
            self.use(keep_s)
            self._in_use += 1
            try:
                await generation(scope, receive, send)
            finally:
                self._in_use -= 1
                self._until = self._wall() + timedelta(seconds=self._keep_s)

        return used
