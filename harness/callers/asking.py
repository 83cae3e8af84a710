"""Lets every caller meet every fault."""

import asyncio
import time
from collections.abc import Sequence
from itertools import count

from faults.actions import name_of
from faults.plan import Fault
from harness.callers.clients import CALLERS, PATIENCE_S, Question, Told
from harness.callers.seen import Seen, judge, worst

AT_ONCE = 3
TOGETHER = 2
"""Calls of one caller at once: of a quota or a capacity of one, the second sees something."""
QUESTION, TOOL_QUESTION = "What becomes of this answer?", "Call get_weather for Oslo."

Row = dict[str, str]
"""What each caller saw, by its name."""


class Asking:
    """All that is asked of one proxy; every call has an id of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = count(1)
        self._usual_s: dict[str, float] = {}

    async def about(self, faults: Sequence[Fault]) -> list[Row]:
        """A row for each fault."""
        for caller in CALLERS:
            # The first warms up.
            self._usual_s[caller] = [(await self._ask(caller, "", False)).took_s for _ in range(3)][-1]
        turn = asyncio.Semaphore(AT_ONCE)
        return await asyncio.gather(*(self._row(fault, turn) for fault in faults))

    async def _row(self, fault: Fault, turn: asyncio.Semaphore) -> Row:
        tools = "tool" in name_of(fault.kind)
        async with turn:
            return {caller: await self._cell(caller, fault.name, tools) for caller in CALLERS}

    async def _cell(self, caller: str, fault: str, tools: bool) -> str:
        seen = await asyncio.gather(*(self._ask(caller, fault, tools) for _ in range(TOGETHER)))
        return worst([judge(one, QUESTION, tools, self._usual_s[caller], PATIENCE_S) for one in seen])

    async def _ask(self, caller: str, fault: str, tools: bool) -> Seen:
        told, error = Told(), None
        headers = {"x-request-id": f"c-{next(self._numbers):06d}", "x-fault": fault}
        asked = Question(self._url, headers, TOOL_QUESTION if tools else QUESTION, tools)
        began_s = time.monotonic()
        try:
            # A stall that the client's own timeout does not see must not hold up the table.
            await asyncio.wait_for(CALLERS[caller](told, asked), 2 * PATIENCE_S)
        except Exception as raised:
            error = raised
        return told.seen(error, time.monotonic() - began_s)
