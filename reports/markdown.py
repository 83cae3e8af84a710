"""Markdown as GitHub and GitLab read it: texts from outside made harmless, lists, tables, and what can be unfolded."""

import re
from collections.abc import Sequence

LONGEST, LONGEST_NAME = 400, 60
"""Letters of a sentence, and of a name, from outside."""
INSTEAD = {"\\<": "&lt;", "\\>": "&gt;", "@": "@&#8203;"}
"""A space without width after @ keeps them from calling somebody of that name."""


def plain(text: str, most: int = LONGEST) -> str:
    """A text from outside, so that Markdown, HTML and GitHub leave it as it is; cut where it is too long."""
    flat = " ".join(text.split())
    flat = flat if len(flat) <= most else f"{flat[: most - 1]}…"
    escaped = re.sub(r"([\\`*_{}\[\]<>|#!~])", r"\\\1", flat).replace("&", "&amp;")
    for sign, instead in INSTEAD.items():
        escaped = escaped.replace(sign, instead)
    return escaped


def name(text: str) -> str:
    """A name from outside."""
    return plain(text, LONGEST_NAME)


def code(text: str) -> str:
    """A text from outside as code: a backtick or a pipe would end it or split its cell."""
    flat = " ".join(text.split()).replace("`", "'").replace("|", "¦")
    return f"`{flat if len(flat) <= LONGEST else f'{flat[:LONGEST]}…'}`"


def listed(sentences: Sequence[str], most: int) -> list[str]:
    """A line each; how many more where there are many."""
    more = [f"- and {len(sentences) - most:,} more, in report.json"] if len(sentences) > most else []
    return [f"- {plain(one)}" for one in sentences[:most]] + more


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def folded(summary: str, *parts: str) -> str:
    """What is seen once it is unfolded; without the empty lines GitHub takes it for HTML."""
    return "\n\n".join([f"<details><summary>{summary}</summary>", *filter(None, parts), "</details>"])
