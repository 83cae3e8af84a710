"""Lets every caller meet every fault."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from urllib.parse import urlsplit

from faults.actions import name_of
from faults.plan import Fault
from harness.callers.clients import CALLERS, PATIENCE_S, Question, Told
from harness.callers.seen import Seen, judge, worst

AT_ONCE = 2
STRIKE_OTHERS = frozenset({"refuse"})
"""Kinds that break the calls of whoever else asks just then: nobody does."""
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
        self._usual: dict[str, Seen] = {}

    async def about(self, faults: Sequence[Fault]) -> list[Row]:
        """A row for each fault."""
        for caller in CALLERS:
            # The first warms up.
            self._usual[caller] = [await self._ask(caller, "", False) for _ in range(3)][-1]
        turn = asyncio.Semaphore(AT_ONCE)
        alone = [fault for fault in faults if name_of(fault.kind) in STRIKE_OTHERS]
        others = [fault for fault in faults if fault not in alone]
        rows = await asyncio.gather(*(self._row(fault, turn) for fault in others))
        rows += [await self._row(fault, turn) for fault in alone]
        told = {fault.name: row for fault, row in zip([*others, *alone], rows, strict=True)}
        return [told[fault.name] for fault in faults]

    async def _row(self, fault: Fault, turn: asyncio.Semaphore) -> Row:
        tools = "tool" in name_of(fault.kind)
        row = {}
        async with turn:
            for caller in CALLERS:
                await self._until_it_listens()
                row[caller] = await self._cell(caller, fault.name, tools)
        return row

    async def _until_it_listens(self) -> None:
        """A caller before this one may have met a refusal, which takes its time."""
        address = urlsplit(self._url)
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            with suppress(OSError):
                _, writer = await asyncio.open_connection(address.hostname, address.port)
                writer.close()
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{self._url} does not listen any more")

    async def _cell(self, caller: str, fault: str, tools: bool) -> str:
        seen = await asyncio.gather(*(self._ask(caller, fault, tools) for _ in range(TOGETHER)))
        return worst([judge(one, QUESTION, tools, self._usual[caller], PATIENCE_S) for one in seen])

    async def _ask(self, caller: str, fault: str, tools: bool) -> Seen:
        told, error = Told(time.monotonic), None
        headers = {"x-request-id": f"c-{next(self._numbers):06d}", "x-fault": fault}
        asked = Question(self._url, headers, TOOL_QUESTION if tools else QUESTION, tools)
        try:
            # A stall that the client's own timeout does not see must not hold up the table.
            await asyncio.wait_for(CALLERS[caller](told, asked), 2 * PATIENCE_S)
        except Exception as raised:
            error = raised
        return told.seen(error)
