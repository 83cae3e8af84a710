"""Whether one pair of a run that goes on can be trusted: the same judgement as over the whole run, in time to repeat it."""

from collections.abc import Mapping
from typing import Any

from records.bad_input import BadInput
from records.folder import RunFolder
from reports.checks import check, incomplete
from reports.load import Run, load
from reports.metrics import measure
from reports.verdict import verdict

BY_FOLDER = ("planned", "cpu_share", "steal_share", "achieved_share")
"""Tables of the manifest with an entry for each arm's folder."""


def read_pair(folder: RunFolder, number: int) -> Run:
    """One pair, as if it were the whole run."""
    run = load(folder, only_pair=number)
    return Run(run.folder, _of_pair(run, number), run.arms, run.problems, run.strata)


def _of_pair(run: Run, number: int) -> dict[str, Any]:
    names = [run.folder.arm(arm["name"], number).path.name for arm in run.manifest["arms"]]
    told = {key: _only(run.manifest.get(key) or {}, names) for key in BY_FOLDER}
    ended = [one for one in run.manifest.get("ended_early") or () if one.partition(":")[0] in names]
    return run.manifest | told | {"ended_early": ended, "state": "complete"}


def _only(table: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: table[name] for name in names if name in table}


def invalid_because(folder: RunFolder, number: int) -> list[str]:
    """A sentence for everything that makes this pair say nothing of the app; none where it can be counted."""
    try:
        run = read_pair(folder, number)
    except BadInput as error:
        return list(error.problems)
    metrics = {arm.name: measure(arm) for arm in run.arms}
    found = verdict(metrics, (), {}, False, run.manifest["cpu_share"], check(run.arms, run.manifest, metrics))
    if found.state == "invalid":
        return list(found.reasons)
    return incomplete([one for arm in run.arms for one in arm.tallies], run.manifest["planned"])
