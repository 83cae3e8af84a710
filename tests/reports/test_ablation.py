"""What each feature is worth, over folders where it is known."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from records.bad_input import BadInput
from records.folder import RunFolder
from reports.ablation import Ablation, ablation, word_of
from reports.compare import Comparison, compare
from reports.difference import Difference
from reports.load import Run, load
from reports.manifest import read_manifest
from reports.report import Report
from tests.reports.shown import printed

FEATURES = ("idle", "retry", "harm")
TOLD = {
    "on": "on",
    "off": "off",
    "features": {name: {"alone": f"only-{name}", "left_out": f"without-{name}"} for name in FEATURES},
}
LIKE = {"off": "off", "on": "on", "only-idle": "off", "without-idle": "on", "only-retry": "on", "without-retry": "off"}
COUNT = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, rows: SimpleNamespace) -> RunFolder:
    """`retry` cures all there is, `idle` does nothing, and with `harm` every tenth user who would not fails."""
    arms = {}
    for name, like in LIKE.items() | {("only-harm", "off"), ("without-harm", "on")}:
        arms[name] = rows.simulate(like, COUNT)
        for row in arms[name].requests:
            row["arm"] = name
            number = int(row["request_id"][4:])
            if name in ("on", "only-harm", "without-idle", "without-retry") and number % 10 == 0:
                row.update(outcome="http_error", status=500)
    ordered = {name: arms[name] for name in ("off", "on", *sorted(arms.keys() - {"off", "on"}))}
    return rows.write_run(tmp_path_factory.mktemp("ablated") / "run", ordered, ablation=TOLD, bounds=[])


@pytest.fixture(scope="module")
def run(folder: RunFolder) -> Run:
    return load(folder)


@pytest.fixture(scope="module")
def made(run: Run) -> tuple[Ablation, list[Comparison]]:
    """What the features are worth, and all comparisons that tell it."""
    compared: list[Comparison] = []

    def note(*sides: Any) -> Comparison:
        compared.append(compare(*sides))
        return compared[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reports.ablation.compare", note)
        found = ablation(run, ())
    assert found
    return found, compared


@pytest.fixture(scope="module")
def worth(made: tuple[Ablation, list[Comparison]]) -> Ablation:
    return made[0]


def test_features_are_ranked_by_what_is_lost_without_them(worth: Ablation):
    assert [(one.feature, one.word) for one in worth.features] == [
        ("retry", "helps"),
        ("idle", "no difference seen"),
        ("harm", "costs"),
    ]
    assert (worth.on, worth.off, worth.cost) == ("on", "off", "tokens_per_request")


def test_each_figure_is_that_with_the_feature_against_that_without(run: Run, worth: Ablation):
    share = {arm.name: float(arm.rows["failed"].mean()) for arm in run.arms}
    for one in worth.features:
        left_out, alone = one.left_out, one.alone
        assert (left_out.without, left_out.having) == (f"without-{one.feature}", "on")
        assert (alone.without, alone.having) == ("off", f"only-{one.feature}")
        for effect in (left_out, alone):
            assert effect.requests == COUNT
            assert effect.failures.difference == pytest.approx(share[effect.having] - share[effect.without])
            assert effect.cost.metric == "tokens_per_request"
    retry = worth.features[0]
    assert retry.left_out.failures.high is not None and retry.left_out.failures.high < -0.05
    assert retry.left_out.p95.ratio is not None and retry.left_out.p95.ratio <= 1


def test_comparisons_that_are_there_are_not_made_again(
    run: Run, made: tuple[Ablation, list[Comparison]], monkeypatch: pytest.MonkeyPatch
):
    found, compared = made
    monkeypatch.setattr("reports.ablation.compare", lambda *_: pytest.fail("compared again"))

    assert len(compared) == 2 * len(FEATURES)
    assert ablation(run, compared) == found


def test_a_run_that_takes_no_features_away_has_none(run: Run):
    assert ablation(replace(run, manifest=run.manifest | {"ablation": None}), ()) is None


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (-0.2, -0.1, "helps"),
        (0.1, 0.2, "costs"),
        (-0.1, 0.1, "no difference seen"),
        (-0.1, 0.0, "no difference seen"),
        (None, None, "not known"),
    ],
)
def test_words_say_no_more_than_the_interval(low: float | None, high: float | None, word: str):
    assert word_of(Difference("p95_s", 1.0, 1.0, 0.0, low, high)) == word


def test_a_feature_of_which_nothing_is_known_may_still_help(run: Run, made: tuple[Ablation, list[Comparison]]):
    """Only what costs stands below it."""
    unknown = [replace(one, differences=()) if "retry" in one.reference + one.other else one for one in made[1]]

    found = ablation(run, unknown)

    assert found and [(one.feature, one.word) for one in found.features] == [
        ("idle", "no difference seen"),
        ("retry", "not known"),
        ("harm", "costs"),
    ]


@pytest.mark.parametrize(
    ("ratio", "method", "word"),
    [(0.95, "blocks", "no difference seen"), (0.85, "blocks", "helps"), (0.95, "signed_rank", "helps")],
)
def test_in_one_pair_p95_must_differ_by_more_than_two_runs_do(ratio: float, method: str, word: str):
    found = Difference("p95_s", 2.0, 2 * ratio, 2 * ratio - 2, -0.3, -0.01, ratio, 0.8, 0.99, method=method)

    assert word_of(found) == word


def test_the_terminal_shows_the_features_and_not_all_their_arms_side_by_side(found: Report, worth: Ablation):
    """Only those that are there for more than that."""
    made = replace(found.arms[1], name="only-retry")
    text = printed(replace(found, arms=(*found.arms, made), ablation=worth))
    shown = text.partition('What each feature of "on" does')[2]
    told = [line for line in shown.splitlines() if line.split()[:1] and line.split()[0] in FEATURES]

    assert [re.split("  +", re.sub("^[a-z]+ +", "", line))[0] for line in told] == ["helps", "no difference seen", "costs"]
    assert "only-retry" not in text and text.split()[:2] == ["off", "on"]


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (TOLD | {"on": "onn"}, 'ablation: "onn" is not an arm. Did you mean "on"?'),
        ({"on": "on", "off": "off"}, "ablation must be a table of on, off and features"),
        (TOLD | {"features": {"idle": "only-idle"}}, "ablation must be a table of on, off and features"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(tmp_path: Path, rows: SimpleNamespace, told: dict, problem: str):
    broken = RunFolder(tmp_path)
    broken.write_manifest(rows.a_manifest(tuple(LIKE), ablation=told))
    with pytest.raises(BadInput) as raised:
        read_manifest(broken)
    assert problem in raised.value.problems[0]
