"""The analyzer's bench: what it prints is measured, and it would notice a wrong figure."""

from pathlib import Path

import pytest

from harness.bench.analyzer import differing, measure_analyzer, same
from harness.bench.synthetic import FAULTS, fates, write_run
from records.folder import RunFolder
from reports.load import load
from reports.metrics import METRICS


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Each line by what it tells of."""
    lines = measure_analyzer(tmp_path_factory.mktemp("bench"), 3000, 1000, rounds=1)
    return {line[:43].strip(): line[43:].strip() for line in lines}


def test_it_prints_seconds_memory_and_stages(printed: dict[str, str]):
    seconds = {name: float(printed[name].split()[0]) for name in ("wall seconds", "rows to tables", "figures", "html")}

    assert 0 < seconds["rows to tables"] + seconds["figures"] + seconds["html"] < seconds["wall seconds"]
    assert 50 < float(printed["most memory in MB, all processes"].split()[0]) < 1000
    assert float(printed["thousand requests a second"].split()[0]) == pytest.approx(3 / seconds["wall seconds"], rel=0.05)


def test_no_figure_differs_from_the_straightforward_computation(printed: dict[str, str]):
    count = 2 * (len(METRICS) - 1)

    assert printed["figures compared"] == f"{count}, differing: none"


def test_a_figure_that_differs_is_named():
    ours = {"off": {"p95_s": 2.0, "cost": None, "share": 0.5}}

    assert differing(ours, {"off": {"p95_s": 2.0 + 1e-12, "cost": None, "share": 0.5}}) == (3, [])
    assert differing(ours, {"off": {"p95_s": 2.001, "cost": 0.0, "share": 0.5}}) == (3, ["off.p95_s", "off.cost"])
    assert not same(None, 0.0)


def test_the_synthetic_run_is_what_it_says(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    write_run(folder, 4000)
    run = load(folder)
    off, on = run.arms

    assert run.problems == ()
    assert off.rows.index.equals(on.rows.index) and len(off.rows) == 2000
    assert off.rows["met"].mean() == pytest.approx(sum(fault["share"] for fault in FAULTS), abs=0.02)
    assert set(off.strikes["fault"]) == {fault["name"] for fault in FAULTS}
    assert on.rows["failed"].mean() < 0.2 * off.rows["failed"].mean()


def test_both_arms_meet_the_same_weather():
    off, on = (list(fates(arm, range(1, 300))) for arm in ("off", "on"))

    assert [(one.due_s, one.fault) for one in off] == [(one.due_s, one.fault) for one in on]
    assert [one.first_s for one in off] != [one.first_s for one in on]
