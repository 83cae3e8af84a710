"""Whether the proxy's memory stays flat: resident memory after 5,000 and after 50,000 calls of which many meet faults."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import orjson
import psutil

from harness.processes import Processes

FIRST, LAST, STEPS = 5_000, 50_000, 3
AT_ONCE = 16
MODEL = ["--words", "3", "--gap-s", "0", "--first-token-s", "0"]
PLAN = """
seed = 7
[[fault]]
name = "503"
kind = "answer"
share = 0.1
status = 503
[[fault]]
name = "cut"
kind = "cut"
share = 0.1
at = 2
reset = [false, true]
[[fault]]
name = "drop"
kind = "drop"
share = 0.05
[[fault]]
name = "stall"
kind = "stall"
share = 0.05
at = 1
seconds = 0.02
"""


def measure_memory(folder: Path) -> list[str]:
    """Lines to print."""
    (folder / "plan.toml").write_text(PLAN)
    with Processes() as processes:
        model = processes.start("model", [sys.executable, "-m", "model_server", *MODEL], folder / "model.log")
        upstream = processes.await_url(model, "/api/version")
        ours = [sys.executable, "-m", "faults", "--upstream", upstream, "--plan", str(folder / "plan.toml")]
        proxy = processes.start("proxy", [*ours, "--rows", str(folder / "calls.jsonl")], folder / "proxy.log")
        url = processes.await_url(proxy, "/api/version")
        counts = [FIRST, *(FIRST + (LAST - FIRST) * step // STEPS for step in range(1, STEPS + 1))]
        megabytes = [_after(url, proxy.child.pid, begin, end) for begin, end in zip([0, *counts], counts, strict=False)]
    lines = [
        f"  after {count:>6,} calls                       {found:.1f}" for count, found in zip(counts, megabytes, strict=True)
    ]
    grown = megabytes[-1] - megabytes[0]
    return [
        "Proxy, resident memory in MB, 30 % of the calls struck (503s, cuts, drops, stalls):",
        *lines,
        f"  grown between the first and the last     {grown:.1f} (aim: at most 10)",
    ]


def _after(url: str, pid: int, begin: int, end: int) -> float:
    """Megabytes after these calls."""
    asyncio.run(_ask_all(url, begin, end))
    return float(psutil.Process(pid).memory_info().rss) / 1e6


async def _ask_all(url: str, begin: int, end: int) -> None:
    numbers = iter(range(begin, end))
    async with httpx.AsyncClient(timeout=30) as client:
        await asyncio.gather(*(_ask_some(client, url, numbers) for _ in range(AT_ONCE)))


async def _ask_some(client: httpx.AsyncClient, url: str, numbers: Iterator[int]) -> None:
    for number in numbers:
        body = {"model": "llama3.1", "messages": [{"role": "user", "content": f"What is number {number}?"}]}
        headers = {"x-request-id": f"m-{number:06d}"}
        with suppress(httpx.TransportError):  # as planned
            await client.post(f"{url}/api/chat", content=orjson.dumps(body), headers=headers)
