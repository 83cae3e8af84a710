"""How bad input is told: every problem at once, each with where, what, and what is allowed."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST = 2000


class BadInput(ValueError):
    """Input that cannot be used; the commands print its problems, one a line, and leave with exit code 2."""

    def __init__(self, *problems: str) -> None:
        self.problems = tuple(map(_short, problems))
        super().__init__("\n".join(self.problems))


def _short(problem: str) -> str:
    # What it quotes may be as long as a file: its beginning says where, its end what is allowed.
    return problem if len(problem) <= LONGEST else f"{problem[: LONGEST // 2]} ... {problem[-LONGEST // 2 :]}"


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
