"""docs/faults.md, from what was seen. Pure."""

import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from inspect import getdoc

from faults.actions import name_of, subject_of
from faults.plan import Fault
from harness.callers.clients import CALLERS

LIBRARIES = ("httpx", "ollama", "langchain-ollama", "openai", "langchain-openai", "mitmproxy")
HEAD = """# What callers see of each fault

Made by `make faults-table`: real clients, streaming, through the real proxy, in front of the embedded model. Each asks as its
documentation shows, twice at once, with no retries (`max_retries=0`) and a timeout of 2 s; by default ollama's clients
have no timeout at all, and openai's have 10 minutes. A cell tells what the unluckier call saw. **Bold** is what nobody notices:
no exception, and not the right answer. The faults and their numbers are those of `faults/plans/gallery.toml`.

Versions: {versions}, Python {python}.

"""


def render_table(faults: Sequence[Fault], rows: Sequence[Mapping[str, str]]) -> str:
    """Markdown: a table, and a sentence about each kind."""
    lines = ["| Fault | Kind | " + " | ".join(CALLERS) + " |", "|" + "---|" * (2 + len(CALLERS))]
    for fault, row in zip(faults, rows, strict=True):
        lines.append(f"| {fault.name} | `{name_of(fault.kind)}` | " + " | ".join(row[caller] for caller in CALLERS) + " |")
    return HEAD.format(versions=_versions(), python=_python()) + "\n".join(lines) + "\n\n" + _summary(rows) + _kinds(faults)


def _versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in LIBRARIES)


def _python() -> str:
    return ".".join(map(str, sys.version_info[:2]))


def _summary(rows: Sequence[Mapping[str, str]]) -> str:
    """How many of the faults each caller does not notice."""
    told = [f"{caller} {sum('**' in row[caller] for row in rows)}" for caller in CALLERS]
    return f"Faults of {len(rows)} that went unnoticed, by caller: {', '.join(told)}.\n\n"


def _kinds(faults: Sequence[Fault]) -> str:
    kinds = {name_of(fault.kind): fault.kind for fault in faults}
    lines = [
        f"- `{name}` ({subject_of(kind)}): {(getdoc(kind) or '').partition(chr(10) + chr(10))[0]}"
        for name, kind in kinds.items()
    ]
    return "## The kinds\n\n" + "\n".join(" ".join(line.split()) for line in lines) + "\n"
