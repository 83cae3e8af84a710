"""The commands of the gate: what they refuse, and what they say of what was recorded."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness.cli import main, parser
from harness.gating.commands import parse_looks
from records.bad_input import BadInput
from reports.gate import decide
from reports.look import Pair, Rules
from tests.reports import conftest as rows
from tests.reports.paired_runs import a_gate, paired_run

NOISE = [0.012, -0.004, 0.009, -0.013, 0.001, 0.010, -0.009, 0.004, -0.011, 0.014, -0.008, 0.012]


def said(capsys):
    out, errors = capsys.readouterr()
    return " ".join(out.split()), errors


def test_the_looks_are_some_of_those_there_are():
    assert [look.pairs for look in parse_looks("6,12")] == [6, 12]
    assert [(look.pairs, look.alpha) for look in parse_looks(" 9 ")] == [(9, 0.02)]


@pytest.mark.parametrize("text", ["", "2", "6,6", "9,6", "6;9", "six"])
def test_other_looks_are_refused(text):
    with pytest.raises(BadInput, match="--looks: must be some of 6,9,12, rising"):
        parse_looks(text)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["gate", "run", "--baseline", "b.json", "--p95-tolerance", "10"], "--p95-tolerance: must be a share between 0 and 1"),
        (["gate", "run", "--baseline", "b.json", "--failure-tolerance", "-1"], "--failure-tolerance: must be a share"),
        (["gate", "nowhere", "--run", "nowhere"], "nowhere: not a run"),
        (["gate", "article", "--against", "HEAD", "--looks", "2"], "--looks: must be some of 6,9,12"),
        (["gate", "article", "--against", "HEAD", "--arm", "of"], 'Did you mean "off"'),
        (["gate", "selftest", "--times", "0"], "--times: must be between 1 and 100, got 0"),
        (["gate", "selftest", "--tolerance", "2"], "--p95-tolerance: must be a share"),
        (["gate", "selftest", "--tolerance", "0"], "--p95-tolerance: must be above 0"),
        (["gate", "calibrate", "--pairs", "5"], "--pairs: must be between 6 and 100, got 5"),
        (["gate", "calibrate", "--trials", "0"], "--trials: must be between 1 and 100000, got 0"),
        (["gate", "calibrate", "--scenario", "artcle"], "artcle: no such scenario"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_left(words, told, tmp_path, capsys):
    assert main([*words, "--runs", str(tmp_path / "runs")]) == 2

    assert told in said(capsys)[1]
    assert not (tmp_path / "runs").exists()


def test_a_closed_loop_is_no_load_for_a_gate(tmp_path, capsys):
    closed = tmp_path / "closed.toml"
    closed.write_text('[workload]\nrate_per_s = 0\n[arms.plain]\nfeatures = "none"\n')

    assert main(["gate", "calibrate", "--scenario", str(closed), "--runs", str(tmp_path / "runs")]) == 2
    assert "a closed loop asks less of a slower app" in said(capsys)[1]
    assert not (tmp_path / "runs").exists()


def a_trial(*ratios):
    """What is asked of a report: the gates of `same` and `planted`."""
    sides = zip(("same", "planted"), ("pass", "fail"), ratios, strict=True)
    gates = [
        replace(decide([Pair(1, 1.0, ratio, 100)] * 6, Rules(5.0), "base", name), expected=expected)
        for name, expected, ratio in sides
    ]
    code = 3 if "fail" in [gate.outcome for gate in gates] else 0
    return SimpleNamespace(gates=gates, exit_code=code, manifest={"state": "complete"})


@pytest.mark.parametrize(
    ("trials", "code", "told"),
    [
        ([(1.0, 1.2), (1.01, 1.3)], 0, "same, which must pass: 2 pass, 0 fail"),
        ([(1.0, 1.2), (1.2, 1.2)], 3, "same, which must pass: 1 pass, 1 fail"),
        ([(1.0, 1.0), (1.0, 1.2)], 3, "planted, which must fail: 1 pass, 1 fail"),
    ],
)
def test_several_trials_are_counted(trials, code, told, capsys, monkeypatch):
    seeds, left = [], iter([a_trial(*ratios) for ratios in trials])
    monkeypatch.setattr(
        "harness.gating.commands._tried", lambda experiment, place: seeds.append(experiment.scenario.seed) or next(left)
    )

    assert main(["gate", "selftest", "--times", "2"]) == code
    out, _ = said(capsys)
    assert out.startswith("2 selftests. ")
    assert told in out
    assert len(set(seeds)) == 2


def test_a_gate_needs_something_to_be_held_against(capsys):
    with pytest.raises(SystemExit):
        main(["gate", "runs/one"])
    assert "one of the arguments --baseline --run --against is required" in said(capsys)[1]


def test_a_run_that_is_called_selftest_is_still_a_run():
    assert parser().parse_args(["gate", "./selftest", "--run", "other"]).what == "./selftest"


@pytest.mark.parametrize(("slower", "code", "told"), [(1.0, 0, "PASS P95 ratio 1.000"), (1.2, 3, "FAIL P95 ratio 1.200")])
def test_a_run_against_another(slower, code, told, tmp_path, capsys):
    for name, factor in (("before", 1.0), ("after", slower)):
        paired_run(tmp_path / name, rows, {"on": [factor] * 6})

    assert main(["gate", str(tmp_path / "after"), "--run", str(tmp_path / "before")]) == code
    assert told in said(capsys)[0]


def test_a_run_against_its_baseline_file(tmp_path, capsys):
    run, kept = paired_run(tmp_path / "run", rows, {"off": [2.0] * 6, "on": [1.0] * 6}).path, tmp_path / "baseline.json"

    assert main(["baseline", str(run), "--out", str(kept)]) == 0
    assert main(["gate", str(run), "--baseline", str(kept), "--arm", "off"]) == 0
    assert "PASS P95 ratio 1.000 over 6 pairs" in said(capsys)[0]


def a_calibration(tmp_path, noise):
    seconds = {"base": [1.0] * len(noise), "same": [1.0 + one for one in noise]}
    return str(paired_run(tmp_path / "run", rows, seconds, gate=a_gate(len(noise), ("base", "same"), looks=[])).path)


def test_a_calibration_from_a_run(tmp_path, capsys):
    """With one hundredth of noise: no false alarm in 2,000 trials, and every slowdown of twice the tolerance seen."""
    assert main(["gate", "calibrate", "--from", a_calibration(tmp_path, NOISE), "--trials", "2000"]) == 0

    told = said(capsys)[0]
    assert "differ by 0.97% from run to run" in told
    assert "2,000 trials each" in told
    assert "the same app fails 0.00% (0.00% to 0.19%), passes 100.00%" in told
    assert "20% slower fails 100.00% (99.81% to 100.00%)" in told


def test_a_calibration_on_a_noisy_machine_says_so(tmp_path, capsys):
    assert main(["gate", "calibrate", "--from", a_calibration(tmp_path, [20 * one for one in NOISE]), "--trials", "500"]) == 4

    assert "too much noise for this tolerance" in said(capsys)[0]


def test_a_run_without_the_same_app_twice_is_no_calibration(tmp_path, capsys):
    run = paired_run(tmp_path / "run", rows, {"off": [2.0] * 6, "on": [1.0] * 6}).path

    assert main(["gate", "calibrate", "--from", str(run)]) == 2
    assert "has no two pairs of the same app" in said(capsys)[1]
