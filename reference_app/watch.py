"""Interrupts a stream that makes no progress. One timer for the whole stream: `wait_for` would cost 20 µs a chunk."""

import asyncio
from math import inf, isinf

from reference_app.call import Call, Chunks, finish_of, is_text
from reference_app.errors import DeadlineExceeded, StalledStream

LINGER_S = 0.25
"""How long a stream may stay open after its last chunk: its end lets the connection be used again, no more."""


class _Bell:
    """Cancels the task that waits, once `until` has passed; moving `until` on costs no timer."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.waiting: asyncio.Task[object] | None = None
        self.rang = False
        self._until = self._due = inf
        self._handle: asyncio.TimerHandle | None = None
        self._cancels_before = 0

    def set(self, until: float) -> None:
        self._until = until
        if until < self._due:
            self.stop()
            self._due, self._handle = until, self.loop.call_at(until, self._ring)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._due = inf

    def _ring(self) -> None:
        self._due = inf
        if self.loop.time() < self._until:
            self.set(self._until)
        elif self.waiting is not None:
            self.rang, self._cancels_before = True, self.waiting.cancelling()
            self.waiting.cancel()

    def was_it(self) -> bool:
        """Whether the cancellation just caught is the bell's, and nobody else's too."""
        task = asyncio.current_task()
        return self.rang and task is not None and task.uncancel() <= self._cancels_before


def is_limited(call: Call) -> bool:
    return not (isinf(call.first_token_s) and isinf(call.stall_s) and isinf(call.account.deadline_at))


async def watched(chunks: Chunks, call: Call) -> Chunks:
    """The same chunks, or StalledStream after `first_token_s`/`stall_s` without content, DeadlineExceeded at the deadline."""
    bell, patience_s, deadline_at = _Bell(), call.first_token_s, call.account.deadline_at
    until, progress = inf, True
    try:
        while True:
            if progress:
                # Counted from the moment we wait: a user who reads slowly is no stall.
                until = min(bell.loop.time() + patience_s, deadline_at)
            bell.set(until)
            bell.waiting = asyncio.current_task()
            try:
                chunk = await anext(chunks)
            except StopAsyncIteration:
                return
            except asyncio.CancelledError:
                if bell.was_it():
                    raise _why(until, call) from None
                raise
            finally:
                bell.waiting = None
            if finish_of(chunk):
                progress, patience_s = True, min(LINGER_S, call.stall_s)
            elif progress := bool(chunk.text) or not is_text(chunk):
                patience_s = call.stall_s
            yield chunk
    finally:
        bell.stop()


def _why(until: float, call: Call) -> Exception:
    if until >= call.account.deadline_at:
        return deadline_exceeded(call)
    waited_s = call.stall_s if call.account.last.chunks else call.first_token_s
    return StalledStream(f"no content for {waited_s:g} s")


def deadline_exceeded(call: Call) -> DeadlineExceeded:
    account = call.account
    return DeadlineExceeded(f"No complete answer within {account.deadline_at - account.started_s:g} s.")
