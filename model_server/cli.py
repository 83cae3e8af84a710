"""The model server's command: its flags, and how it leaves."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import inf
from typing import Any, NoReturn

from model_server.models import twice
from model_server.physics import OWN, RANGES, Physics
from model_server.server import serve
from records.bad_input import BadInput, unknown


@dataclass(frozen=True)
class Flag:
    """A number and its range, both ends included."""

    told: str
    low: float = -inf
    high: float = inf


FLAGS = {
    "port": Flag("to listen on; 0 picks a free one", 0, 65535),
    "first_token_s": Flag("median seconds to the first token", *RANGES["first_token_s"]),
    "first_token_sigma": Flag("spread of its logarithm", *RANGES["first_token_sigma"]),
    "gap_s": Flag("median seconds between tokens", *RANGES["gap_s"]),
    "gap_sigma": Flag("spread of its logarithm", *RANGES["gap_sigma"]),
    "words": Flag("of an answer", *RANGES["words"]),
    "slots": Flag("generations at once", *RANGES["slots"]),
    "queue": Flag("requests that may wait for a slot", *RANGES["queue"]),
    "seed": Flag("of all chance", *RANGES["seed"]),
}
WHOLE = frozenset({"port", *(field.name for field in fields(Physics) if isinstance(field.default, int))})


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInput(message)


def parse(arguments: Sequence[str] | None) -> tuple[Physics, int, str | None, str | None]:
    """Physics, port, rows file and prompts file, from flags; BadInput tells every problem at once."""
    defaults: dict[str, Any] = {"port": 0, **{field.name: field.default for field in fields(Physics) if field.name != "also"}}
    given, strangers = _parser(defaults).parse_known_args(arguments)
    known = [_flag(name) for name in (*defaults, "also", "rows", "prompts", "help")]
    flags = [stranger.partition("=")[0] for stranger in strangers if stranger.startswith("-")]
    problems = [unknown("flag", flag, known) for flag in flags] or [f'"{stray}" belongs to no flag' for stray in strangers]
    values: dict[str, Any] = {name: _number(name, getattr(given, name), defaults[name], problems) for name in FLAGS}
    if not given.model.strip():
        problems.append("--model: must not be blank")
    port = int(values.pop("port"))
    first = Physics(**values, model=given.model)
    also = tuple(_also(text, first, problems) for text in given.also)
    problems += [f'--also: "{name}" is there already' for name in twice((first, *also))]
    if problems:
        raise BadInput(*problems)
    return replace(first, also=also), port, given.rows, given.prompts


def _also(text: str, first: Physics, problems: list[str]) -> Physics:
    """A model beside the first: its name, and what it has of its own."""
    name, *own = text.split() or [""]
    values: dict[str, Any] = {}
    for word in own:
        key, _, value = word.partition("=")
        if key in OWN:
            values[key] = _number(key, value, getattr(first, key), problems, f"--also {name}, {key}")
        else:
            problems.append(f"--also {name}: {unknown('setting', key, OWN)}")
    if not name:
        problems.append("--also: must not be blank")
    return replace(first, model=name, **values)


def _parser(defaults: dict[str, Any]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="headwind model",
        description="The embedded provider: Ollama's and OpenAI's API, known physics.",
        allow_abbrev=False,
    )
    for name, flag in FLAGS.items():
        parser.add_argument(
            _flag(name), default=str(defaults[name]), metavar="N", help=f"{flag.told} (default {defaults[name]})"
        )
    parser.add_argument("--model", default=defaults["model"], metavar="NAME", help=f"its name (default {defaults['model']})")
    told = 'another model, with what it has of its own: "small first_token_s=0.3 gap_s=0.01"; may be given again'
    parser.add_argument("--also", default=[], action="append", metavar="NAME", help=told)
    parser.add_argument("--rows", metavar="FILE", help="append a row a generation to FILE (model.jsonl)")
    parser.add_argument("--prompts", metavar="FILE", help="a run's prompts.json: what of them a prompt holds is what was asked")
    return parser


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _number(name: str, text: str, default: float, problems: list[str], where: str = "") -> float:
    """The number, of its default's type; whatever is wrong with it becomes a problem."""
    flag, whole, where = FLAGS[name], name in WHOLE, where or _flag(name)
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        problems.append(f'{where}: must be {"a whole number" if whole else "a number"}, got "{text}"')
        return default
    if not flag.low <= value <= flag.high:
        span = f"at least {flag.low}" if flag.high == inf else f"between {flag.low} and {flag.high}"
        problems.append(f"{where}: must be {span}, got {text}")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 when asked to leave, 2 on bad input."""
    try:
        serve(*parse(arguments))
    except BadInput as bad:
        print(*bad.problems, sep="\n", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0
