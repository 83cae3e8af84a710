"""What the model says, and what it is billed: pure. The text carries its own proof (records/proof.py)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

from records.chance import draw
from records.proof import pieces

_SPOKEN = (
    "river stone moss cloud ember maple heron tide lantern willow harbor meadow cedar copper falcon garden hollow island "
    "juniper kettle ladder marble needle orchard pebble quarry ribbon saddle timber velvet walnut yarrow anchor bridge "
    "candle desert engine forest glacier hammer inlet jacket kernel linen mirror north olive prairie quiver rocket silver "
    "thunder umbrella valley window zephyr acorn basket canyon delta evening feather granite horizon"
)
WORDS = _SPOKEN.split()
TOKENS_A_MESSAGE = 4
"""For its role and delimiters, as in Llama 3's chat template."""
CJK = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Scripts without spaces: a tokenizer needs about a token for each of their characters."""
_CHARACTER = re.compile(f"[{CJK}]")
_JSON_TOKEN = re.compile(r"\w+|\W+")


@dataclass(frozen=True)
class Prompt:
    """What was asked, whatever the wire it came by."""

    question: str
    """The last message of the user."""
    texts: Sequence[str] = ()
    """All the model reads, one a message, an unfinished answer included: it is billed as input."""
    params: Mapping[str, object] = field(default_factory=dict)
    """The sampling options that were set, by their names on the wire; the answer's mark tells them."""
    turn: int = 1
    so_far: str = ""
    """An unfinished answer that is to be continued."""
    limit: int | None = None
    """Tokens at most."""
    stop: Sequence[str] = ()
    json: str = ""
    """What is said instead of words, where JSON is asked for; it carries no proof."""
    tool: str = ""
    """The tool whose arguments that JSON is; empty where it is the answer itself."""


@dataclass(frozen=True)
class Answer:
    """Tokens, and why they end: `length` leaves the answer without its seal."""

    pieces: Sequence[str]
    done_reason: Literal["stop", "length"]


def tokens(text: str) -> int:
    """An estimate: one a whitespace word, or a CJK character."""
    if text.isascii():  # a third of the time for a prompt of 10 MB
        return len(text.split())
    rest, characters = _CHARACTER.subn(" ", text)
    return characters + len(rest.split())


def tokens_in(prompt: Prompt) -> int:
    """Those of all messages, and four a message."""
    return sum(TOKENS_A_MESSAGE + tokens(text) for text in prompt.texts)


def answer(prompt: Prompt, words: int, seed: int, key: str, attempt: int) -> Answer:
    """All the model will say to `prompt`; `key` and `attempt` tell one sampled generation from another."""
    if prompt.json:
        said = _JSON_TOKEN.findall(prompt.json)
        return Answer(said[: prompt.limit], "length" if prompt.limit and prompt.limit < len(said) else "stop")
    said = pieces(prompt.question, prompt.params, _words(prompt, words, seed, key, attempt), prompt.turn, prompt.so_far)
    cut = said[: prompt.limit]
    # The mark tells the stop sequences themselves: it is no place to look for them.
    short = _before_stop(cut, prompt.stop, 0 if prompt.so_far else len(cut[0]))
    return Answer(short, "length" if len(cut) < len(said) and short is cut else "stop")


def _words(prompt: Prompt, count: int, seed: int, key: str, attempt: int) -> list[str]:
    if is_repeatable(prompt.params):
        key, attempt = _fingerprint(prompt), 1
    return [WORDS[int(draw(seed, f"word {number}", key, attempt) * len(WORDS))] for number in range(count)]


def is_repeatable(params: Mapping[str, object]) -> bool:
    """Whether a model would say the same words again: nothing is sampled, or the sampling is seeded."""
    return params.get("temperature") == 0 or params.get("seed") is not None


def _fingerprint(prompt: Prompt) -> str:
    """Question, parameters and turn, short; not the unfinished answer, whose continuation must fit what was said."""
    told = repr((prompt.question, sorted(prompt.params.items()), prompt.turn))
    return blake2b(told.encode(errors="surrogatepass"), digest_size=8).hexdigest()


def _before_stop(said: list[str], stop: Sequence[str], start: int) -> list[str]:
    """The pieces before the first stop sequence after `start`, the last cut short; `said` itself where none occurs."""
    text = "".join(said)
    ends = [at for sequence in stop if sequence and (at := text.find(sequence, start)) >= 0]
    if not ends:
        return said
    kept, left = [], min(ends)
    for piece in said:
        if left <= 0:
            break
        kept.append(piece[:left])
        left -= len(piece)
    return kept
