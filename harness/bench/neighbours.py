"""Whether a neighbour notices: gaps of untouched streams while 30 % of the calls around them stall, and without faults."""

import asyncio
import sys
from pathlib import Path

import httpx
import numpy as np
import orjson

from harness.bench.drive import Spread
from harness.processes import Processes
from records.chance import draw
from reports.metrics import quantile

ROUNDS = 5
STREAMS = 40
"""At once: 40 times 50 tokens a second are half of what one mitmdump carries honestly."""
STALLED = 0.3
MODEL = ["--words", "78", "--gap-s", "0.02", "--gap-sigma", "0", "--first-token-s", "0.2", "--first-token-sigma", "0"]
PLAN = f"""
seed = 7
[[fault]]
name = "stall"
kind = "stall"
share = {STALLED}
at = [5, 40]
seconds = 3.0
"""


def measure_neighbours(folder: Path) -> list[str]:
    """Lines to print."""
    (folder / "stalls.toml").write_text(PLAN)
    with Processes() as processes:
        model = processes.start("model", [sys.executable, "-m", "model_server", *MODEL], folder / "model.log")
        ours = [sys.executable, "-m", "faults", "--upstream", processes.await_url(model, "/api/version")]
        calm = processes.start("calm", ours, folder / "calm.log")
        stormy = processes.start("stormy", [*ours, "--plan", str(folder / "stalls.toml")], folder / "stormy.log")
        urls = [processes.await_url(proxy, "/api/version") for proxy in (calm, stormy)]
        asyncio.run(_round(urls[0], 0))
        rounds = [[asyncio.run(_round(url, number)) for url in urls] for number in range(1, ROUNDS + 1)]
    calm_ms, stormy_ms = (Spread(tuple(one[which] for one in rounds)) for which in (0, 1))
    worst_ms = max(with_ - 1.05 * without for without, with_ in rounds)
    return [
        f"Neighbours, gap P95 in ms of streams that no fault strikes, {STREAMS} at once (median, least to most of {ROUNDS}):",
        f"  no faults                                {calm_ms}",
        f"  {100 * STALLED:.0f} % of the calls stalled for 3 s          {stormy_ms}   {stormy_ms.over(calm_ms)} of no faults",
        f"  most that a round exceeded 1.05 times    {worst_ms:.2f} ms (aim: at most 1)",
    ]


def _is_struck(request_id: str) -> bool:
    return draw(7, "stall", request_id, 1) < STALLED


async def _round(url: str, number: int) -> float:
    """P95 of the gaps in ms, over the streams that the plan leaves alone; the same in both proxies."""
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=None)) as client:
        ids = [f"n{number:02d}-{n:06d}" for n in range(STREAMS)]
        gaps = await asyncio.gather(*(_gaps_ms(client, url, request_id) for request_id in ids))
    found = quantile(np.concatenate([gap for gap, id_ in zip(gaps, ids, strict=True) if not _is_struck(id_)]), 0.95)
    assert found is not None
    return found


async def _gaps_ms(client: httpx.AsyncClient, url: str, request_id: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    clock = asyncio.get_running_loop().time
    # Spread over a fifth of a second: users do not come in the same millisecond.
    await asyncio.sleep(draw(7, "start", request_id) * 0.2)
    body = {"model": "llama3.1", "messages": [{"role": "user", "content": request_id}]}
    arrivals = []
    async with client.stream(
        "POST", f"{url}/api/chat", content=orjson.dumps(body), headers={"x-request-id": request_id}
    ) as response:
        async for _ in response.aiter_raw():
            arrivals.append(clock())
    return np.diff(arrivals) * 1000
