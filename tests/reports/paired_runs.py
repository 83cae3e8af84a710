"""Runs of several pairs, made up: every request of an arm takes so many seconds in each of its pairs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson

from records.folder import REQUESTS, RunFolder

ASKED = 40
USUAL = {"plan": None, "embedded": False, "bounds": []}


def paired_run(
    path: Path, rows: SimpleNamespace, seconds: Mapping[str, Sequence[float]], failed: Mapping[str, int] = {}, **changes: Any
) -> RunFolder:
    """`seconds`: by arm, one number a pair; `failed`: by arm, how many of the first requests of each pair fail."""
    count = max(map(len, seconds.values()))
    folder = RunFolder(path)
    folder.write_manifest(rows.a_manifest(tuple(seconds), pairs=count) | USUAL | changes)
    for arm, each in seconds.items():
        for pair, took_s in enumerate(each, 1):
            target = folder.arm(arm, pair).path / REQUESTS
            target.parent.mkdir(parents=True, exist_ok=True)
            asked = [_request(rows, arm, pair, number, took_s, number < failed.get(arm, 0)) for number in range(ASKED)]
            target.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in asked))
    return folder


def _request(rows: SimpleNamespace, arm: str, pair: int, number: int, took_s: float, failed: bool) -> dict[str, Any]:
    due_s = rows.BEGAN_S + 1000 * pair + number / 4
    told = {"request_id": f"p{pair:02d}-{number:06d}", "arm": arm, "pair": pair, "intended_s": due_s, "sent_s": due_s}
    ended = {"first_token_s": due_s + took_s / 2, "finished_s": due_s + took_s, "outcome": "cut" if failed else "ok"}
    return rows.as_row(rows.a_request(number, **told, **ended))  # type: ignore[no-any-return]


def a_gate(pairs: int, *comparisons: tuple[str, ...], **more: Any) -> dict[str, Any]:
    """The manifest's `gate`; a comparison is base, candidate and what is expected of it, if anything is."""
    named = [dict(zip(("base", "candidate", "expected"), (*one, ""), strict=False)) for one in comparisons]
    return {"comparisons": named or [{"base": "base", "candidate": "candidate"}], "counted": [*range(1, pairs + 1)], **more}
