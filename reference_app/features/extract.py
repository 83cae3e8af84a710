"""Makes a text shorter by leaving out whole sentences: what is left is as it was said, in its order.

A sentence is worth more the more it shares with the question, with the rest of the text, and where it begins a paragraph. None
is cut within, so that no "not" gets lost. Never left out: code, a sentence with a digit in it or a question mark, a line that
announces others, and what cannot be told to be a sentence. A number in words ("seventeen") and a name can be lost.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from reference_app.features.guards import words_of
from reference_app.tokens import tokens_of

LAST = 3
"""Sentences at the end of a question: there it says what is wanted."""
MOST = 4_000
"""Sentences of one text: more are no text, and would hold up everybody else's."""
LONGEST_TOKENS = 150
"""More is no sentence, but a table, a log or a list without an end."""
RELEVANCE, BEGINNING = 2.0, 0.2
"""What the question's words, and the beginning of a paragraph, are worth; how central a sentence is, is worth up to 1."""

_CODE = re.compile(r"(```.*?(?:```|\Z))", re.DOTALL)
# Not after "Dr." or "e.g.".
_ENDS = re.compile(
    r"(?:(?<=[.!?])|(?<=[.!?][\"')”]))(?<!\b\w\.)(?<!\b\w\w\.)(?=\s{1,8}[^a-z\s])"
    r"|(?<=[。！？；])(?![”’」』）])|(?<=[。！？；][”’」』）])|(?<=\n)"
)
_STAYS = re.compile(r"\d|[?？]|[:：]$|^#")
_WORD = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af]+|[^\W\d_\u2e80-\u9fff\uac00-\ud7af]{3,}")
_IDLE = words_of(
    "the and for are was were been being with that this these those from into onto have has had will would can could should "
    "may might not but its their his her our your they them she him you who whom which what when where how why all any some "
    "such than then there here also more most other only over under about very just each between because while during before "
    "after does did done use used like well per one two"
)
_IDLE_SIGNS = frozenset("的了是在和就都而及与着或也很到说要去会可以这那个有不之其为对于把被让给")


@dataclass(frozen=True)
class Piece:
    """A sentence, or a block of code."""

    gap: str
    """The blanks before it."""
    text: str
    tokens: int
    stays: bool


def pieces_of(text: str, asks: bool = False) -> list[Piece]:
    """The text in sentences; where it `asks`, its first one and its last ones stay."""
    found: list[tuple[str, str, bool]] = []
    gap = ""
    for number, part in enumerate(_CODE.split(text)):
        for raw in [part] if number % 2 else _ENDS.split(part):
            body = raw.strip()
            if body:
                found.append((gap + raw[: len(raw) - len(raw.lstrip())], body, bool(number % 2)))
                gap = ""
            gap += raw[len(raw.rstrip()) :] if body else raw
    last = len(found) - LAST
    return [
        _piece(before, body, stays or (asks and (number == 0 or number >= last)))
        for number, (before, body, stays) in enumerate(found)
    ]


def _piece(gap: str, text: str, stays: bool) -> Piece:
    tokens = tokens_of(text)
    return Piece(gap, text, tokens, stays or tokens > LONGEST_TOKENS or bool(_STAYS.search(text)))


def shortened(text: str, share: float, about: str, asks: bool) -> str:
    """About `share` of the text's tokens, chosen by what it is `about`; more where more has to stay."""
    pieces = pieces_of(text, asks)
    if len(pieces) > MOST:
        return text
    left = share * sum(piece.tokens for piece in pieces) - sum(piece.tokens for piece in pieces if piece.stays)
    worth = _worth(pieces, frozenset(_terms(about)))
    chosen = {number for number, piece in enumerate(pieces) if piece.stays}
    said = {pieces[number].text for number in chosen}
    for number in sorted(worth, key=lambda one: (-worth[one], one)):
        piece = pieces[number]
        if piece.text not in said and (piece.tokens <= left or not chosen):
            left -= piece.tokens
            chosen.add(number)
            said.add(piece.text)
    return joined(pieces, chosen)


def joined(pieces: Sequence[Piece], chosen: set[int]) -> str:
    """Those that are chosen, with the widest of the gaps that were between them: paragraphs stay apart."""
    out: list[str] = []
    gap = ""
    for number, piece in enumerate(pieces):
        gap = max(gap, piece.gap, key=lambda one: (one.count("\n"), len(one)))
        if number in chosen:
            out += [gap if out else "", piece.text]
            gap = ""
    return "".join(out)


def question_of(text: str) -> str:
    """What a text asks: its questions, its beginning and its end."""
    pieces = pieces_of(text)
    edges = [*pieces[:1], *pieces[1:][-LAST:]]
    return "\n".join(piece.text for piece in [*edges, *(one for one in pieces if one.text.endswith(("?", "？")))])


def _worth(pieces: Sequence[Piece], asked: frozenset[str]) -> dict[int, float]:
    """Of each sentence that may go."""
    terms = {number: frozenset(_terms(piece.text)) for number, piece in enumerate(pieces) if not piece.stays}
    among = Counter(term for of in terms.values() for term in of)
    # A word of the question that is in few sentences tells more than one that is in all.
    relevant = _scaled({number: sum(log(1 + len(terms) / among[term]) for term in of & asked) for number, of in terms.items()})
    central = _scaled({number: sum(log(among[term]) for term in of) / (len(of) or 1) for number, of in terms.items()})
    begins = {number: number == 0 or "\n" in pieces[number].gap for number in terms}
    return {number: RELEVANCE * relevant[number] + central[number] + BEGINNING * begins[number] for number in terms}


def _scaled(values: dict[int, float]) -> dict[int, float]:
    most = max(values.values(), default=0.0) or 1.0
    return {number: value / most for number, value in values.items()}


def _terms(text: str) -> list[str]:
    """Words by their beginning, so that "prices" is "price"; of scripts without blanks, each two signs in a row."""
    found: list[str] = []
    for word in _WORD.findall(text.lower()):
        if word[0] < "\u2e80":
            found += [word[:6]] if word not in _IDLE else []
        else:
            pairs = (word[at : at + 2] for at in range(max(1, len(word) - 1)))
            found += [pair for pair in pairs if not _IDLE_SIGNS & set(pair)]
    return found
