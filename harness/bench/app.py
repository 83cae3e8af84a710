"""CPU of the app for a stream of 100 tokens: all features off, all on, and the least LangChain app, in turn."""

import sys
from pathlib import Path

from harness.bench.drive import Streams, in_turn
from harness.processes import Process, Processes

ROUNDS = 5
NAME = "llama3.1"
ON = {
    "APP_FEATURES": "all",
    "APP_MODEL": NAME,
    # Those that are of no effect unless set: so that they act, and change nothing.
    "APP_RATE_LIMIT": "1000000/minute",
    "APP_INPUT_LIMIT_TOKENS": "4000",
    "APP_OUTPUT_LIMIT_TOKENS": "1000",
    "APP_COMPRESS_ABOVE_TOKENS": "4000",
    "APP_SMALL_MODEL": NAME,
    "APP_FALLBACK_MODEL": "another",
}
MODEL = ["--words", "98", "--first-token-s", "0.02", "--gap-s", "0.005", "--gap-sigma", "0", "--first-token-sigma", "0"]


def measure_app(folder: Path) -> list[str]:
    """Lines to print."""
    with Processes() as processes:
        model = processes.start("model", [sys.executable, "-m", "model_server", *MODEL], folder / "model.log")
        provider = processes.await_url(model)
        apps = {
            "bare": start_bare(processes, provider, folder, "httpx"),
            "bare on aiohttp": start_bare(processes, provider, folder, "aiohttp"),
            "off": start_app(processes, provider, folder, "off", {"APP_FEATURES": "none", "APP_MODEL": NAME}),
            "on": start_app(processes, provider, folder, "on", ON),
        }
        urls = {name: processes.await_url(app, "/health/ready") + "/chat/stream" for name, app in apps.items()}
        costs = in_turn(apps, {name: Streams(url, chat) for name, url in urls.items()}, ROUNDS)
    spent = {name: cost.cpu_ms for name, cost in costs.items()}

    def told(name: str) -> str:
        return f"{spent[name]}   {spent[name].over(spent['bare'])} of bare"

    return [
        "App, CPU ms a stream of 100 tokens, 5 ms apart, 20 at once, every prompt new (median, least to most of "
        f"{ROUNDS} rounds in turn):",
        f"  bare ChatOllama.astream behind FastAPI   {spent['bare']}",
        f"  the same with the app's HTTP (aiohttp)   {told('bare on aiohttp')}",
        f"  reference app, all features off          {told('off')}",
        f"  reference app, all features on           {told('on')} (aim: at most 1.0)",
    ]


def chat(number: int) -> dict[str, object]:
    """What to ask, another for each number."""
    return {"question": f"What is number {number}?", "temperature": 0.7}


def start_app(processes: Processes, provider: str, folder: Path, name: str, settings: dict[str, str]) -> Process:
    environment = {**settings, "APP_PROVIDER_URL": provider, "APP_LOG_PATH": str(folder / f"{name}.jsonl")}
    return processes.start(name, [sys.executable, "-m", "reference_app"], folder / f"{name}.log", environment)


def start_bare(processes: Processes, provider: str, folder: Path, http: str) -> Process:
    environment = {"APP_PROVIDER_URL": provider, "APP_MODEL": NAME, "BARE_HTTP": http}
    return processes.start(f"bare {http}", [sys.executable, "-m", "harness.bench.bare"], folder / f"{http}.log", environment)
