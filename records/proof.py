"""Answers that carry their own proof: a mark, numbered words and a seal tell the right answer from its text alone.

[[q=1a2b3c4d5e6f t=1 temperature=0.7]] 1:river 2:stone 3:moss [[seal=9f8e7d6c5b4a n=3]]
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import quote

from records.rows import Outcome

_MARK = re.compile(r"\[\[q=([0-9a-f]{12}) t=(\d+)((?: [^\s\[\]=]+=[^\s\[\]]*)*)\]\]")
_WORD = re.compile(r" (\d+):[^\s\[]+")
_SEAL = re.compile(r" \[\[seal=([0-9a-f]{12}) n=(\d+)\]\]")


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=6).hexdigest()


def mark(question: str, params: Mapping[str, object], turn: int = 1) -> str:
    """The beginning of an answer: which question, which turn, made with which parameters."""
    told = "".join(f" {name}={_told(value)}" for name, value in sorted(params.items()) if value is not None)
    return f"[[q={_digest(question)} t={turn}{told}]]"


def _told(value: object) -> str:
    # JSON does not tell 0 from 0.0, so neither do we.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return quote(str(value), safe=".-+")


def word(number: int, text: str) -> str:
    """The numbered word `number`, counted from 1."""
    return f" {number}:{text}"


def seal(so_far: str, count: int) -> str:
    """The end of an answer: `so_far` is all that was said, with `count` numbered words."""
    return f" [[seal={_digest(so_far)} n={count}]]"


def words_in(so_far: str) -> int:
    """How many numbered words an unfinished answer holds."""
    return len(_WORD.findall(so_far))


@dataclass(frozen=True)
class Checked:
    """What a text proves: its outcome, and why in words."""

    outcome: Outcome
    why: str


def check(text: str, question: str, params: Mapping[str, object] = {}, turn: int = 1) -> Checked:
    """Whether `text` is the complete answer to `question`, made with `params` (those that were asked for), said once."""
    begin = _MARK.match(text)
    if begin is None:
        return Checked("truncated", "no text") if not text else Checked("garbled", "no mark at the beginning")
    return _strangers(begin, question, params, turn) or _body(text, begin.end())


def _strangers(begin: re.Match[str], question: str, params: Mapping[str, object], turn: int) -> Checked | None:
    if begin[1] != _digest(question) or int(begin[2]) != turn:
        return Checked("wrong", "the answer to another question")
    made_with = dict(pair.split("=", 1) for pair in begin[3].split())
    for name, value in params.items():
        if made_with.get(name) != _told(value):
            return Checked("wrong", f"made with other parameters: {name}={made_with.get(name)}, asked for {value}")
    return None


def _body(text: str, at: int) -> Checked:
    count = 0
    while found := _WORD.match(text, at):
        if int(found[1]) != count + 1:
            return _out_of_order(int(found[1]), count)
        count, at = count + 1, found.end()
    end = _SEAL.match(text, at)
    if end is None:
        return _without_seal(text[at:], count)
    if text[end.end() :].strip():
        return Checked("duplicated", "text goes on after the seal")
    if int(end[2]) != count or end[1] != _digest(text[:at]):
        return Checked("garbled", "the seal does not fit the words")
    return Checked("ok", "complete")


def _out_of_order(number: int, count: int) -> Checked:
    if number <= count:
        return Checked("duplicated", f"word {number} comes again after word {count}")
    return Checked("garbled", f"word {number} follows word {count}")


def _without_seal(rest: str, count: int) -> Checked:
    if _MARK.search(rest):
        return Checked("duplicated", f"the answer begins again after word {count}")
    if rest and _WORD.search(rest):
        return Checked("garbled", f"unreadable after word {count}")
    return Checked("truncated", f"ends after word {count}")


def pieces(question: str, params: Mapping[str, object], words: Sequence[str], turn: int = 1, so_far: str = "") -> list[str]:
    """An answer cut into tokens: mark, words and seal; `so_far` is an unfinished answer of this form, to be continued."""
    begin = mark(question, params, turn)
    out, said = ([], so_far) if so_far else ([begin], begin)
    done = words_in(so_far)
    for number, text in enumerate(words[done:], done + 1):
        out.append(word(number, text))
    body = said + "".join(out if so_far else out[1:])
    return out if _SEAL.search(so_far) else [*out, seal(body, max(done, len(words)))]
