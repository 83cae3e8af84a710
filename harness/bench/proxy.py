"""CPU of the proxy for a stream of 100 tokens: bare mitmdump, ours without a plan and with a script."""

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
        f"Proxy, CPU ms a stream of 100 tokens (median, least to most of {ROUNDS} rounds in turn):",
        *_measure(folder, "0", at_once=4, told="in a burst, 4 at once"),
        *_measure(folder, "0.005", at_once=20, told="5 ms apart, 20 at once"),
    ]


def _measure(folder: Path, gap_s: str, at_once: int, told: str) -> list[str]:
    with Processes() as processes:
        model = processes.start("model", [sys.executable, "-m", "model_server", *MODEL, gap_s], folder / "model.log")
        upstream = processes.await_url(model, "/api/version")
        ours = [sys.executable, "-m", "faults", "--upstream", upstream, "--rows", str(folder / "calls.jsonl")]
        proxies = {
            "bare": processes.start("bare", _bare(upstream, folder), folder / "bare.log"),
            "none": processes.start("none", ours, folder / "none.log"),
            "script": processes.start("script", [*ours, "--plan", str(folder / "script.toml")], folder / "script.log"),
        }
        urls = {name: processes.await_url(proxy, "/api/version") + "/api/chat" for name, proxy in proxies.items()}
        spent = in_turn(proxies, {name: Streams(url, _chat, 200, at_once) for name, url in urls.items()}, ROUNDS)
    none, script = (f"{spent[name]}   {spent[name].over(spent['bare'])} of bare" for name in ("none", "script"))
    return [
        f" {told}",
        f"  bare mitmdump, same short addon chain    {spent['bare']}",
        f"  ours, no plan                            {none}",
        f"  ours, a script on every message          {script} (aim: at most 1.15)",
    ]


def _bare(upstream: str, folder: Path) -> list[str]:
    mitmdump = str(Path(sys.executable).with_name("mitmdump"))
    settings = {"connection_strategy": "lazy", "flow_detail": "0", "termlog_verbosity": "warn", "confdir": str(folder / "conf")}
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    return [mitmdump, "--mode", f"reverse:{upstream}@127.0.0.1:0", "-s", str(Path(__file__).with_name("bare_proxy.py")), *words]


def _chat(number: int) -> dict[str, object]:
    return {"model": "llama3.1", "messages": [{"role": "user", "content": f"What is number {number}?"}]}
