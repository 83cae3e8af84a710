"""Slots shared by several processes through Redis: leases on the server's own clock, one line for all."""

import asyncio
import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from reference_app.slots import Slots

if TYPE_CHECKING:
    import redis.asyncio

LOOK_S = 0.02
"""How often a process whose calls wait looks for room that another process has left. One question for all its calls."""
GONE_MS = 1000
"""A process that has not looked for so long has lost its calls' places in the line."""

MOST_BACK = 1000
"""Tickets to give back that are remembered while Redis is away; the leases of older ones end by themselves."""

# One turn: what was given back leaves, what is held is renewed, who waits joins the line; the first in the line, up to the
# room there is, are let in if they are of this process, and kept their room if they are of another that is alive.
_TURN = """
local held, line, alive = KEYS[1], KEYS[2], KEYS[3]
local me, limit, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local given, kept = tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', held, '-inf', now)
redis.call('ZREMRANGEBYSCORE', alive, '-inf', now)
redis.call('ZADD', alive, now + tonumber(ARGV[6]), me)
for i = 7, #ARGV do
  local ticket = ARGV[i]
  if i < 7 + given then
    redis.call('ZREM', held, ticket)
    redis.call('ZREM', line, ticket)
  elseif i < 7 + given + kept then
    redis.call('ZREM', line, ticket)
    redis.call('ZADD', held, now + lease, ticket)
  else
    redis.call('ZADD', line, 'NX', now, ticket)
  end
end
local free, at, admitted = limit - redis.call('ZCARD', held), 0, {}
while at < free do
  local ticket = redis.call('ZRANGE', line, at, at)[1]
  if not ticket then break end
  local whose = string.match(ticket, '^[^/]+')
  if whose == me then
    redis.call('ZREM', line, ticket)
    redis.call('ZADD', held, now + lease, ticket)
    admitted[#admitted + 1] = ticket
    free = free - 1
  elseif redis.call('ZSCORE', alive, whose) then
    at = at + 1
  else
    redis.call('ZREM', line, ticket)
  end
end
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], 2 * math.max(lease, tonumber(ARGV[6]))) end
return admitted
"""


class SharedSlots(Slots):
    """One task a process speaks with Redis, and for all its calls at once: so a lease is never renewed after it was given back.

    While Redis is away, each process keeps to `share`; what it holds by then stays held, and is told to Redis when it is back.
    """

    def __init__(
        self,
        redis: "redis.asyncio.Redis",
        name: str,
        limit: int,
        share: int,
        lease_s: float,
        cooldown_s: float,
        tell: Callable[..., Any],
    ) -> None:
        super().__init__(limit)
        self.share, self.lease_s, self.cooldown_s, self.tell = share, lease_s, cooldown_s, tell
        self.is_away = False
        self._me = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._keys = [f"app:{{{name}}}:{what}" for what in ("held", "line", "alive")]
        self._turn = redis.register_script(_TURN)
        self._back: list[str] = []
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def admit(self) -> None:
        if self.is_away:
            self._admit_up_to(self.share)
            return
        self._work.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    @property
    def room(self) -> int:
        # Its share; whoever stands in the line may just be on the way to Redis and back. More where others leave it more.
        return max(self.share, len(self.held))

    def counters(self) -> dict[str, float]:
        # Summed up over processes, their shares are the limit.
        return {**super().counters(), "limit_now": self.share}

    async def aclose(self) -> None:
        """Gives back what is held, so that the others need not wait for the leases to end."""
        while self._task is not None and not self._task.done():
            # Again, should it be lost: one that comes while Redis is being read may be.
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=0.1)
        self._back += self.held
        self.held.clear()
        if self._back and not self.is_away:
            with suppress(Exception):
                await self._take_turn()

    def _given(self, ticket: str) -> None:
        self._back.append(ticket)

    def _ticket(self) -> str:
        return f"{self._me}/{super()._ticket()}"

    async def _run(self) -> None:
        while True:
            await self._rest()
            try:
                await self._take_turn()
            except Exception as error:
                self._gone(error)
            else:
                self._came_back()

    async def _rest(self) -> None:
        if self.is_away:
            await asyncio.sleep(self.cooldown_s)
            return
        # Another process may leave room for who waits here; and leases must be renewed.
        patience_s = LOOK_S if self.line else self.lease_s / 3 if self.held else None
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._work.wait()
        self._work.clear()

    async def _take_turn(self) -> None:
        given, kept, waiting = self._back, list(self.held), dict(self.line)
        self._back = []
        counts = [self.limit, int(self.lease_s * 1000), len(given), len(kept), GONE_MS]
        try:
            admitted = await self._turn(keys=self._keys, args=[self._me, *counts, *given, *kept, *waiting])
        except BaseException:
            # Nobody knows whether it was done: what may have been let in is given back, or renewed, at the next turn.
            self._back = list(dict.fromkeys([*given, *self._back, *waiting]))[-MOST_BACK:]
            raise
        for ticket in map(bytes.decode, admitted):
            # Whoever left meanwhile is given back at the next turn.
            if (place := waiting.get(ticket)) and (ticket, place) in self.line:
                self.line.remove((ticket, place))
                self._let_in(ticket, place)

    def _gone(self, error: Exception) -> None:
        if not self.is_away:
            self.is_away = True
            self.tell("limit_outage", error=f"{type(error).__name__}: {error}", limit=self.share)
        self._admit_up_to(self.share)

    def _came_back(self) -> None:
        if self.is_away:
            self.is_away = False
            self.tell("limit_back", limit=self.limit)
            self._work.set()
