"""The main job on the real stack: real model server, mitmdump, uvicorn and Locust."""

import json
import os
import signal
import subprocess
import sys
import time
from math import ceil
from pathlib import Path

import pandas as pd
import pytest

from harness.bench.straightforward import Bounds, figures
from tests.end_to_end.small import SCENARIO, headwind, write_scenario
from tests.json_schema import problems

DEADLINE_S = 6.0
FIELDS = {
    "requests.jsonl": "request_id arm pair task prompt_key intended_s sent_s first_token_s finished_s status outcome served_by"
    " tokens longest_gap_s gaps_us proof error temperature",
    "calls.jsonl": "request_id attempt path model started_s finished_s status bytes planned struck missed prompt_key",
    "model.jsonl": "request_id attempt model tokens_in tokens_out queued_s started_s finished_s cancelled first_token_s",
}
ATTEMPT = "request_id attempt reason model started_s first_token_s finished_s status outcome tokens_in tokens_out"
REQUEST = "route served_by degraded features"


def rows(folder, arm, name):
    return [json.loads(line) for line in (folder / f"{arm}-01" / name).read_text().splitlines()]


def calls(folder, arm):
    return [row for row in rows(folder, arm, "calls.jsonl") if row["path"] == "/api/chat"]


def test_the_run_passes_and_says_so(ran):
    assert ran.code == 0, ran.said
    assert "report.html" in ran.said
    assert json.loads((ran.folder / "run.json").read_text())["state"] == "complete"


def test_its_json_keeps_to_the_schema_beside_it(ran):
    told, schema = (json.loads((ran.folder / name).read_text()) for name in ("report.json", "report.schema.json"))

    assert told["$schema"] == "report.schema.json"
    assert problems(told, schema) == []


def test_its_markdown_is_short_enough_for_a_comment(ran):
    assert len((ran.folder / "report.md").read_text()) < 4000


def test_every_scheduled_request_left_one_row_in_both_arms(ran):
    keys = [[row["request_id"] for row in rows(ran.folder, arm, "requests.jsonl")] for arm in ("off", "on")]

    assert sorted(keys[0]) == sorted(keys[1])
    assert len(set(keys[0])) == len(keys[0]) > 40


@pytest.mark.parametrize("arm", ["off", "on"])
def test_rows_are_those_of_the_design_field_for_field(ran, arm):
    for name, fields in FIELDS.items():
        for row in rows(ran.folder, arm, name):
            assert set(fields.split()) == row.keys()
    told = rows(ran.folder, arm, "app.jsonl")
    for event, fields in [("attempt", ATTEMPT), ("request", REQUEST)]:
        of_event = [row for row in told if row["event"] == event]
        assert of_event and all(set(fields.split()) <= row.keys() for row in of_event)


def test_off_is_off_and_on_survives(ran):
    off, on = (json.loads((ran.folder / "report.json").read_text())["arms"][arm]["metrics"] for arm in ("off", "on"))

    assert off["failure_share"] > 0.2
    assert off["attempts_per_request"] == 1
    assert on["failure_share"] < 0.05
    assert on["wrong_share"] == 0
    assert on["attempts_per_request"] > 0


def test_a_rejected_request_is_rejected_in_both_arms_after_one_call(ran):
    for arm in ("off", "on"):
        met = {call["request_id"] for call in calls(ran.folder, arm) if call["status"] == 422}
        assert met
        for row in rows(ran.folder, arm, "requests.jsonl"):
            if row["request_id"] in met:
                assert (row["status"], row["outcome"]) == (422, "rejected")
        assert all(sum(call["request_id"] == one for call in calls(ran.folder, arm)) == 1 for one in met)


def fates(folder, arm):
    """What was planned for each call, whichever order it came in."""
    return {(row["request_id"], row["attempt"]): sorted(row["planned"]) for row in calls(folder, arm)}


def test_both_arms_meet_the_same_weather(ran):
    off, on = fates(ran.folder, "off"), fates(ran.folder, "on")
    both = off.keys() & on.keys()

    assert len(both) > 15
    assert all(off[key] == on[key] for key in both)


def test_the_same_seed_meets_the_same_faults_again(ran, ran_again):
    assert fates(ran.folder, "off") == fates(ran_again.folder, "off")
    struck = [
        {row["request_id"]: [(s["fault"], s["params"]) for s in row["struck"]] for row in calls(one.folder, "off")}
        for one in (ran, ran_again)
    ]
    assert struck[0] == struck[1]


def nearest_rank(values, q):
    ordered = sorted(value for value in values if value == value)  # NaN is not itself
    return ordered[ceil(q / 100 * len(ordered)) - 1]


def recomputed(folder, arm):
    """Every figure again, from the rows alone, with a few lines of pandas."""
    asked = pd.DataFrame(rows(folder, arm, "requests.jsonl")).set_index("request_id")
    met = pd.DataFrame(calls(folder, arm))
    spent = pd.DataFrame(rows(folder, arm, "model.jsonl"))
    right = asked.outcome.isin(["ok", "degraded"])
    failed = ~right & (asked.outcome != "rejected")
    own = (asked.finished_s - asked.intended_s).clip(upper=DEADLINE_S)
    ttft = asked.first_token_s - asked.intended_s
    struck = met[met.struck.str.len() > 0]
    struck_ids = asked.index.isin(struck.request_id)
    counted = asked[struck_ids & (asked.outcome != "rejected")]
    tokens = (spent.tokens_in + spent.tokens_out).groupby(spent.request_id).sum().reindex(asked.index, fill_value=0)
    prompts = spent.sort_values("attempt").groupby("request_id").tokens_in.first().reindex(asked.index, fill_value=0)
    useful = (prompts + asked.tokens).where(right, 0)
    took_s = asked.finished_s.max() - asked.intended_s.min()
    by_fault = {}
    for name in ("cuts", "503"):
        ids = set(struck[struck.struck.map(lambda s, name=name: any(one["fault"] == name for one in s))].request_id)
        of = asked[asked.index.isin(ids) & (asked.outcome != "rejected")]
        by_fault[name] = (len(of), int(of.outcome.isin(["ok", "degraded"]).sum()))
    return {
        "requests": len(asked),
        "aborted": 0,
        "ok_share": right.mean(),
        "failure_share": failed.mean(),
        **{f"p{q}_s": nearest_rank(own.where(~failed, DEADLINE_S), q) for q in (50, 95, 99)},
        "ok_p95_s": nearest_rank(own[right], 95),
        "ttft_p50_s": nearest_rank(ttft, 50),
        "ttft_p95_s": nearest_rank(ttft, 95),
        "longest_gap_p95_s": nearest_rank(asked.longest_gap_s, 95),
        "timeout_share": (asked.outcome == "timeout").mean(),
        "broken_share": asked.outcome.isin(["cut", "truncated", "duplicated", "wrong", "garbled"]).mean(),
        "wrong_share": asked.outcome.isin(["wrong", "duplicated", "garbled"]).mean(),
        "http_error_share": (asked.outcome == "http_error").mean(),
        "rejected_share": (asked.outcome == "rejected").mean(),
        "degraded_share": (asked.outcome == "degraded").mean(),
        "cache_share": (asked.served_by == "cache").mean(),
        "fault_met_share": struck_ids.mean(),
        "retry_success": counted.outcome.isin(["ok", "degraded"]).mean(),
        "attempts_per_request": met.request_id.isin(asked.index).sum() / len(asked),
        "tokens_spent": tokens.sum(),
        "tokens_wasted": (tokens - useful).clip(lower=0).sum(),
        "tokens_per_request": tokens.mean(),
        "throughput_per_s": len(asked) / took_s,
        "right_per_s": right.sum() / took_s,
        "send_lag_p95_s": nearest_rank(asked.sent_s - asked.intended_s, 95),
    }, by_fault


@pytest.mark.parametrize("arm", ["off", "on"])
def test_every_figure_can_be_computed_again_from_the_rows(ran, arm):
    report = json.loads((ran.folder / "report.json").read_text())["arms"][arm]
    metrics, by_fault = recomputed(ran.folder, arm)
    files = ("requests.jsonl", "app.jsonl", "calls.jsonl", "model.jsonl")
    one_by_one = figures({name: rows(ran.folder, arm, name) for name in files}, Bounds(DEADLINE_S), files)
    metrics = one_by_one | metrics

    assert metrics.keys() | {"time_to_recover_s"} == report["metrics"].keys()
    for name, value in metrics.items():
        assert report["metrics"][name] == pytest.approx(value, abs=1e-9), name
    found = {fault["name"]: (fault["met"] - fault["rejected"], fault["recovered"]) for fault in report["recovery"]["by_fault"]}
    for name, counted in by_fault.items():
        assert found[name] == counted, name


def test_the_report_is_written_again_from_the_rows(ran):
    before = json.loads((ran.folder / "report.json").read_text())
    again = headwind("report", ran.folder, cwd=ran.folder)

    assert again.returncode == 0, again.stderr
    assert json.loads((ran.folder / "report.json").read_text())["arms"] == before["arms"]


def test_a_run_passes_the_gate_of_its_own_baseline(ran, ran_again, tmp_path):
    kept = headwind("baseline", ran.folder, "--out", tmp_path / "baseline.json", cwd=tmp_path)
    assert kept.returncode == 0, kept.stderr

    judged = headwind(
        "gate", ran_again.folder, "--baseline", tmp_path / "baseline.json", "--p95-tolerance", "0.5", cwd=tmp_path
    )

    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_a_slower_run_fails_the_gate(ran, tmp_path):
    headwind("baseline", ran.folder, "--out", tmp_path / "baseline.json", cwd=tmp_path)
    slow = tmp_path / "slow"
    subprocess.run(["cp", "-r", str(ran.folder), str(slow)], check=True)
    path = slow / "on-01" / "requests.jsonl"
    slowed = [row | {"finished_s": row["finished_s"] + 2.0} for row in rows(slow, "on", "requests.jsonl")]
    path.write_text("".join(json.dumps(row) + "\n" for row in slowed))

    judged = headwind("gate", slow, "--baseline", tmp_path / "baseline.json", cwd=tmp_path)

    assert judged.returncode == 3, judged.stdout + judged.stderr


def children_of(pid):
    """Every living process below `pid`."""
    found, parents = [], {pid}
    stats = [[*path.read_text().rpartition(")")[2].split(), path.parent.name] for path in Path("/proc").glob("[0-9]*/stat")]
    while fresh := {int(stat[-1]) for stat in stats if int(stat[1]) in parents and stat[0] != "Z"} - set(found):
        found += fresh
        parents = fresh
    return found


def alive(pids):
    return [
        pid for pid in pids if Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]
    ]


def wait_until(what, seconds):
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "never came true"
        time.sleep(0.1)


def begun(folder):
    """`headwind run` as a process, once its first requests are recorded."""
    command = [sys.executable, "-m", "harness", "run", str(write_scenario(folder))]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_until(lambda: any(path.stat().st_size for path in folder.glob("runs/*/*/requests.jsonl")), 60)
    return process


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ctrl_c_leaves_a_readable_partial_run_and_no_process(tmp_path):
    process = begun(tmp_path)
    below = children_of(process.pid)
    assert len(below) >= 4

    os.kill(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)

    assert process.returncode == 4, said
    assert "partial" in said
    (run,) = (tmp_path / "runs").iterdir()
    assert json.loads((run / "run.json").read_text())["state"] == "partial"
    assert (run / "report.html").exists()
    assert alive(below) == []


def kill_one(below, what):
    """SIGKILL for the one process below whose command line names `what`."""
    (pid,) = [pid for pid in below if what in Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")]
    os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("what", "code", "told"), [("reference_app", 5, "the app ended"), ("locust", 4, "partial")])
def test_a_process_that_dies_is_noticed(tmp_path, what, code, told):
    process = begun(tmp_path)
    below = children_of(process.pid)

    kill_one(below, what)
    said, _ = process.communicate(timeout=60)

    assert process.returncode == code, said
    assert told in said
    assert alive(below) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tell a child that its parent died")
def test_sigkill_leaves_readable_rows_and_no_process(tmp_path):
    process = begun(tmp_path)
    below = children_of(process.pid)

    process.kill()
    process.communicate(timeout=10)

    wait_until(lambda: alive(below) == [], 20)
    (run,) = (tmp_path / "runs").iterdir()
    assert headwind("report", run, cwd=tmp_path).returncode == 4


def test_bad_input_is_refused_before_anything_starts(tmp_path):
    scenario = write_scenario(tmp_path, SCENARIO.replace('features = "all"', 'features = "cach"'))

    done = headwind("run", scenario, cwd=tmp_path)

    assert done.returncode == 2
    assert 'Did you mean "cache"?' in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()
