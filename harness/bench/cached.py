"""CPU of an answer from the cache, of each store, beside the least LangChain app that asks its model; and answers a second."""

import asyncio
import shutil
import sys
from pathlib import Path

from harness.bench.app import MODEL, ON, chat, start_app, start_bare
from harness.bench.drive import Cost, Load, Streams, in_turn
from harness.bench.knock import Knocks
from harness.processes import Process, Processes, free_port

ROUNDS = 5
QUESTIONS = 50
KEPT = {"APP_CACHE_TTL_S": "86400", "APP_CACHE_TIMEOUT_S": "9", "APP_REDIS_TIMEOUT_S": "9"}
"""So that all are hits, on a machine that has other things to do, too."""
HIT = b'"served_by":"cache"'


def measure_cached(folder: Path) -> list[str]:
    """Lines to print."""
    with Processes() as processes:
        model = processes.start("model", [sys.executable, "-m", "model_server", *MODEL], folder / "model.log")
        provider = processes.await_url(model)
        bare = start_bare(processes, provider, folder, "httpx")
        bare_url = processes.await_url(bare, "/health/ready")
        apps: dict[str, Process] = {"bare": bare}
        loads: dict[str, Load] = {"bare": Streams(bare_url + "/chat/stream", chat)}
        for store, settings in _stores(processes, folder).items():
            app = start_app(processes, provider, folder, store, {**ON, **KEPT, **settings})
            url = processes.await_url(app, "/health/ready")
            asyncio.run(Streams(url + "/chat/stream", chat, count=QUESTIONS).ask(0))
            for kind, route in (("JSON", "/chat"), ("stream", "/chat/stream")):
                name = f"{store}, {kind}"
                apps[name], loads[name] = app, Knocks(url + route, [chat(n) for n in range(QUESTIONS)], HIT)
        costs = in_turn(apps, loads, ROUNDS)
    return [
        f"Answers of 100 tokens from the cache, all features on, 8 connections (median, least to most of {ROUNDS} rounds):",
        f"  bare ChatOllama.astream, asking its model  {costs['bare'].cpu_ms} ms of CPU",
        *(f"  {name:<42} {_told(cost, costs['bare'])}" for name, cost in costs.items() if name != "bare"),
    ]


def _told(cost: Cost, bare: Cost) -> str:
    busy = max(ms * per_s / 1000 for ms, per_s in zip(cost.cpu_ms.values, cost.per_s.values, strict=True))
    cheaper = f"{bare.cpu_ms.over(cost.cpu_ms)} times cheaper (aim: at least 20)"
    return f"{cost.cpu_ms} ms   {cheaper}   {cost.per_s} answers/s, up to {busy:.0%} of a core"


def _stores(processes: Processes, folder: Path) -> dict[str, dict[str, str]]:
    """The settings of each store that can be had here."""
    stores = {"memory": {"APP_CACHE": "memory"}, "SQLite": {"APP_CACHE": f"sqlite:{folder / 'answers.db'}"}}
    if shutil.which("redis-server"):
        port = free_port()
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
        processes.start("redis", command, folder / "redis.log")
        stores["Redis"] = {"APP_CACHE": "redis", "APP_REDIS_URL": f"redis://127.0.0.1:{port}/0"}
    return stores
