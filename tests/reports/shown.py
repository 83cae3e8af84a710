"""What the tests of several formats share: a console's text, and a run whose rare fault was made frequent."""

import io
import json

from rich.console import Console

from records.chance import draw
from records.folder import STRATA, RunFolder
from reports.render_terminal import render_terminal
from reports.report import Report

RAISED, SHARE, RAISED_TO = "cut between chunk 3 and 7", 0.01, 0.12


def printed(report: Report, width: int = 120) -> str:
    out = io.StringIO()
    Console(width=width, file=out).print(render_terminal(report))
    return out.getvalue()


def write_strata(folder: RunFolder, count: int) -> None:
    """As if the article's cuts had been raised to their 12 % from an ordinary day's 1 %."""
    keys = [f"p01-{number:06d}" for number in range(1, count + 1)]
    met = {key for key in keys if draw(7, RAISED, key) < RAISED_TO}
    weights = {key: SHARE / RAISED_TO if key in met else (1 - SHARE) / (1 - RAISED_TO) for key in keys}
    told = {"faults": {RAISED: {"share": SHARE, "raised_to": RAISED_TO}}, "weights": weights}
    (folder.path / STRATA).write_text(json.dumps(told))
