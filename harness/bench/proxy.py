"""CPU of the proxy for a stream of 100 tokens, and streams a second: mitmdump without us, ours without a plan and with one."""

import sys
from pathlib import Path

from harness.bench.drive import Streams, in_turn
from harness.processes import Processes

ROUNDS = 7
MODEL = ["--words", "98", "--first-token-s", "0.02", "--gap-sigma", "0", "--first-token-sigma", "0", "--gap-s"]
# A cut that never comes: its script looks at every message.
SCRIPT = '[[fault]]\nname = "late cut"\nkind = "cut"\nat = 9999\n'


def measure_proxy(folder: Path) -> list[str]:
    """Lines to print."""
    (folder / "script.toml").write_text(SCRIPT)
    return [
        f"Proxy, CPU ms a stream of 100 tokens, and streams a second (median, least to most of {ROUNDS} rounds in turn):",
        *_measure(folder, "0", at_once=4, told="in a burst, 4 at once"),
        *_measure(folder, "0.005", at_once=20, told="5 ms apart, 20 at once"),
    ]


def _measure(folder: Path, gap_s: str, at_once: int, told: str) -> list[str]:
    with Processes() as processes:
        model = processes.start("model", [sys.executable, "-m", "model_server", *MODEL, gap_s], folder / "model.log")
        upstream = processes.await_url(model, "/api/version")
        ours = [sys.executable, "-m", "faults", "--upstream", upstream, "--rows", str(folder / "calls.jsonl")]
        proxies = {
            "plain": processes.start("plain", _bare(upstream, folder, "plain"), folder / "plain.log", {"KEEP_ADDONS": "1"}),
            "bare": processes.start("bare", _bare(upstream, folder, "bare"), folder / "bare.log"),
            "none": processes.start("none", ours, folder / "none.log"),
            "script": processes.start("script", [*ours, "--plan", str(folder / "script.toml")], folder / "script.log"),
        }
        urls = {name: processes.await_url(proxy, "/api/version") + "/api/chat" for name, proxy in proxies.items()}
        costs = in_turn(proxies, {name: Streams(url, _chat, 200, at_once) for name, url in urls.items()}, ROUNDS)
    ratio = {name: cost.cpu_ms.over(costs["bare"].cpu_ms) for name, cost in costs.items()}
    lines = {
        "plain mitmdump, all its addons": "plain",
        "bare mitmdump, addon chain as short as ours": "bare",
        "ours, no plan": "none",
        "ours, a script on every message": "script",
    }
    aims = {"script": " (aim: at most 1.15)"}
    return [f" {told}"] + [
        f"  {line:<44} {costs[name].cpu_ms}   {ratio[name]} of bare{aims.get(name, '')}   {costs[name].per_s} streams/s"
        for line, name in lines.items()
    ]


def _bare(upstream: str, folder: Path, name: str) -> list[str]:
    mitmdump = str(Path(sys.executable).with_name("mitmdump"))
    settings = {"connection_strategy": "lazy", "flow_detail": "0", "termlog_verbosity": "warn", "confdir": str(folder / name)}
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    return [mitmdump, "--mode", f"reverse:{upstream}@127.0.0.1:0", "-s", str(Path(__file__).with_name("bare_proxy.py")), *words]


def _chat(number: int) -> dict[str, object]:
    return {"model": "llama3.1", "messages": [{"role": "user", "content": f"What is number {number}?"}]}
