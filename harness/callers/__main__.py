"""`make faults-table`: docs/faults.md, what each caller sees of each fault of the gallery; about three minutes."""

import asyncio
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from faults.reading import read_plan
from harness.callers.asking import Asking
from harness.callers.table import render_table
from harness.processes import Processes
from harness.scenario import PLANS

GALLERY = PLANS / "gallery.toml"
MODEL = ["--words", "8", "--first-token-s", "0.3", "--gap-s", "0.03", "--first-token-sigma", "0", "--gap-sigma", "0"]


def main() -> int:
    """Make the table; print it, or write it."""
    parser = ArgumentParser(prog="python -m harness.callers", description=__doc__)
    parser.add_argument("--out", type=Path, help="the file to write (default: print)")
    options = parser.parse_args()
    faults = read_plan(GALLERY).faults
    with tempfile.TemporaryDirectory() as folder, Processes() as processes:
        asking = Asking(start(processes, Path(folder)))
        text = render_table(faults, asyncio.run(asking.about(faults)))
    if options.out:
        options.out.write_text(text)
    else:
        print(text)
    return 0


def start(processes: Processes, folder: Path) -> str:
    """Model server and proxy; the proxy's URL."""
    model = processes.start("model", [sys.executable, "-m", "model_server", *MODEL], folder / "model.log")
    upstream = processes.await_url(model, "/api/version")
    ours = [sys.executable, "-m", "faults", "--upstream", upstream, "--plan", str(GALLERY)]
    return processes.await_url(processes.start("proxy", ours, folder / "proxy.log"), "/api/version")


if __name__ == "__main__":
    sys.exit(main())
