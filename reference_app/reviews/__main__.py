"""`python -m reference_app.reviews IN --out OUT.jsonl`: exit code 0; 1 where rows failed; 2 for what cannot be done."""

import argparse
import asyncio
import shlex
import signal
import sys
from pathlib import Path

from reference_app.reviews.row import Unusable
from reference_app.reviews.source import source_of

UNUSABLE, BROKEN = 2, 128
MOST_AT_ONCE = 1000


def main(arguments: list[str] | None = None) -> int:
    """Analyses the file, or what is left of it; broken off by a signal, the exit code is 128 and its number."""
    given = sys.argv[1:] if arguments is None else arguments
    args = _parser().parse_args(given)
    again = shlex.join(["python", "-m", "reference_app.reviews", *given])
    try:
        source = source_of(args.input, args.format, args.column, args.field, args.id)
        # Imports for seconds, which is too long to wait for a flag that is wrong.
        from reference_app.reviews.job import Job
        from reference_app.settings import Settings

        settings = Settings.read()
        return asyncio.run(Job(source, args.out, settings, args.concurrency, args.patience_s, again).run())
    except Unusable as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        # Before the first row.
        return BROKEN + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reference_app.reviews",
        description="Analyses reviews with the app's model and features, as the APP_ variables say: a JSON line for each row.",
        epilog="Broken off, even by kill -9, the same command goes on where it ended. Exit codes: 0 all rows have an analysis; "
        "1 rows failed, or the provider did; 2 it cannot be done as asked; 130 Ctrl-C.",
    )
    parser.add_argument("input", type=Path, help="a file: .csv, .jsonl, or text with a review a line")
    parser.add_argument("--out", type=Path, required=True, help="the file of JSON lines; it is also the state of the work")
    parser.add_argument("--format", default="", choices=["csv", "jsonl", "text"], help="where the file's name does not tell")
    parser.add_argument("--column", default="", help="of a CSV file, the column with the reviews (default: the only one)")
    parser.add_argument("--field", default="", help='of JSON lines, the field with the review (default: "text")')
    parser.add_argument("--id", default="id", help='the column or field that names a row, where there is one (default: "id")')
    parser.add_argument("--concurrency", type=_concurrency, default=10, help='reviews at once, or "adaptive" (default: 10)')
    parser.add_argument(
        "--patience-s", type=_seconds, default=60.0, help="how long a row waits for a provider that fails (default: 60)"
    )
    return parser


def _concurrency(text: str) -> int:
    if text == "adaptive":
        return 0
    if not text.isdecimal() or not 1 <= int(text) <= MOST_AT_ONCE:
        raise argparse.ArgumentTypeError(f'must be "adaptive" or a number from 1 to {MOST_AT_ONCE}, got "{text}"')
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f'must be seconds, 0 or more, got "{text}"')
    return seconds


if __name__ == "__main__":
    sys.exit(main())
