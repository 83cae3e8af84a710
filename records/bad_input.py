"""How bad input is told: every problem at once, each with where, what, and what is allowed."""

from collections.abc import Iterable
from difflib import get_close_matches


class BadInput(ValueError):
    """Input that cannot be used; the commands print its problems, one a line, and leave with exit code 2."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """One sentence for a name nobody knows, with the nearest one that exists.

    >>> unknown("kind", "ct", ["cut", "stall"])
    '"ct" is not a kind. Did you mean "cut"? Known: cut, stall'
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    article = "an" if what[0] in "aeiou" else "a"
    return f'"{name}" is not {article} {what}.{hint} Known: {", ".join(names) or "none"}'
