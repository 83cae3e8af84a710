"""`locust -f locustfile.py` alone, as Locust's users type it: headless, in several processes, interrupted, in the browser."""

import json
import os
import re
import signal
import socket
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from harness.scenario import read_scenario
from reports.write import FORMATS
from scenarios.workload import due
from tests.end_to_end.locusts import SHORT, Site, arm_folder, calls_of, requests_of, told, wait_for
from tests.end_to_end.small import headwind, write_scenario

REPORTS = tuple(one.file for one in FORMATS)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes left behind, by their environment")


@pytest.fixture(scope="module")
def scheduled(tmp_path_factory):
    """The request keys that a run of the small scenario must have rows for, by default one of its whole duration."""
    scenario = read_scenario(write_scenario(tmp_path_factory.mktemp("scheduled"), SHORT))

    def within(seconds=scenario.workload.duration_s):
        workload = replace(scenario.workload, duration_s=seconds)
        return sorted(arrival.request_id for arrival in due(workload, scenario.seed, 1))

    return within


@pytest.fixture(scope="module")
def ended(locust):
    """Two runs at the same time on one machine, the second in several processes; both have ended by themselves."""
    runs = {
        "off": locust("--headless", "--features", "none", "--csv", "figures", "--html", "page.html"),
        "on": locust("--headless", "--processes", 2),
    }
    for one in runs.values():
        one.ended()
    return runs


@pytest.mark.parametrize("arm", ["off", "on"])
def test_a_run_ends_by_itself_with_every_scheduled_request_and_its_report(ended, scheduled, arm):
    one = ended[arm]
    run = one.run()

    assert sorted(row["request_id"] for row in requests_of(run)) == scheduled()
    assert {row["arm"] for row in requests_of(run)} == {arm}
    assert arm_folder(run).name == f"{arm}-01"
    assert {path.name for path in arm_folder(run).iterdir()} >= {"requests.jsonl", "app.jsonl", "calls.jsonl", "model.jsonl"}
    assert told(run, "run.json")["state"] == "complete"
    assert arms_of(run) == {arm: {"off": "none", "on": "all"}[arm]}
    assert all((run / name).exists() for name in REPORTS)
    assert one.process.returncode == told(run, "report.json")["verdict"]["exit_code"]
    assert told(run, "report.json")["arms"][arm]["metrics"]["requests"] == len(scheduled())
    assert "Traceback" not in one.said()
    assert one.left() == []


def test_the_features_are_those_asked_for(ended):
    failed = {arm: told(one.run(), "report.json")["arms"][arm]["metrics"]["failure_share"] for arm, one in ended.items()}

    assert failed["off"] > 0.2
    assert failed["on"] < 0.05
    assert {call["attempt"] for call in calls_of(ended["off"].run())} == {1}
    assert max(call["attempt"] for call in calls_of(ended["on"].run())) > 1


def test_both_arms_meet_the_same_weather_in_one_process_or_two(ended):
    first = {
        arm: {call["request_id"]: call["planned"] for call in calls_of(one.run()) if call["attempt"] == 1}
        for arm, one in ended.items()
    }
    both = first["off"].keys() & first["on"].keys()

    assert len(both) > 10
    assert all(first["off"][key] == first["on"][key] for key in both)


def test_the_console_tells_what_starts_then_locusts_summary_then_our_figures(ended):
    said = ended["off"].said()
    order = ["Starting model server, proxy and app (features: none)", "requests in 5 s, at 8 a second", "Aggregated"]
    order += ["Failure share", "Retry success", "Report: runs/"]
    places = [said.index(text) for text in order]

    assert places == sorted(places)
    assert said.rstrip().endswith("report.html")
    assert said.count("Response time percentiles") == 1
    assert said.count("# fails") == 1, "Locust's table every two seconds is for those who ask for it, with --print-stats"


def test_locusts_own_csv_and_html_are_written(ended):
    folder = ended["off"].folder
    kept = {path.name for path in folder.glob("figures_*.csv")}
    assert kept == {f"figures_{name}.csv" for name in ("stats", "stats_history", "failures", "exceptions")}
    total = [line for line in (folder / "figures_stats.csv").read_text().splitlines() if ",Aggregated," in line]
    assert int(total[0].split(",")[2]) == len(requests_of(ended["off"].run()))
    assert "/chat/stream" in (folder / "page.html").read_text()


@pytest.fixture(scope="module")
def interrupted(locust):
    """Four runs, each loading; then Ctrl-C as the terminal sends it, SIGTERM, and SIGKILL to the parent alone."""
    # Answers of a second, a dozen a second: something is in flight whenever it happens.
    long = SHORT.replace("duration_s = 5.0", "duration_s = 60.0").replace("gap_s = 0.01", "gap_s = 0.05")
    long = long.replace("rate_per_s = 8.0", "rate_per_s = 12.0")
    split = ["--processes", 2]
    how = {"ctrl-c": [], "ctrl-c in two": split, "term in two": split, "kill": split}
    runs = {name: locust("--headless", "--features", "none", *more, scenario=long) for name, more in how.items()}
    for one in runs.values():
        one.loading(rows=10)
    for name, one in runs.items():
        if name.startswith("ctrl-c"):
            os.killpg(one.process.pid, signal.SIGINT)
        else:
            one.process.send_signal(signal.SIGTERM if name.startswith("term") else signal.SIGKILL)
    for one in runs.values():
        one.ended(40)
    return runs


@pytest.mark.parametrize("how", ["ctrl-c", "ctrl-c in two", "term in two"])
def test_an_interrupted_run_is_partial_and_readable_with_every_request_that_was_due(interrupted, how):
    one = interrupted[how]
    rows, run = requests_of(one.run()), one.run()

    assert one.process.returncode == 4, one.said()
    assert "Traceback" not in one.said() and "KeyboardInterrupt" not in one.said()
    assert told(run, "run.json")["state"] == "partial"
    assert told(run, "report.json")["verdict"]["state"] in ("inconclusive", "vacuous")
    assert "The run is partial" in one.said() and "The run is partial" in (run / "report.html").read_text()
    assert said_arrivals(one) == len(rows) == len({row["request_id"] for row in rows})
    assert {row["request_id"] for row in calls_of(run)} <= {row["request_id"] for row in rows}
    assert one.said().count("Response time percentiles") == 1
    assert one.left() == []


def said_arrivals(one):
    """How many arrivals the processes say they had, each for itself."""
    return sum(map(int, re.findall(r"(\d+) arrivals, handed out", one.said())))


def test_what_was_in_flight_is_told_as_aborted(interrupted):
    for how in ("ctrl-c", "ctrl-c in two", "term in two"):
        outcomes = Counter(row["outcome"] for row in requests_of(interrupted[how].run()))
        assert outcomes["aborted"] > 0 and outcomes["ok"] > 0, how


def test_locusts_own_figures_are_whole_after_ctrl_c_in_two_processes(interrupted):
    one = interrupted["ctrl-c in two"]
    aggregated = re.search(r"Aggregated +(\d+) ", one.said())
    assert aggregated and int(aggregated[1]) == len(requests_of(one.run()))


def test_children_end_when_locust_is_killed(interrupted):
    one = interrupted["kill"]
    wait_for(lambda: one.left() == [], 20, lambda: str(one.left()))
    assert requests_of(one.run())
    assert headwind("report", one.run(), cwd=one.folder).returncode == 4


BAD = {
    "scenario": (["--scenario", "artcle"], "artcle: no such scenario. Give a TOML file, or one of: ablation, article"),
    "plan": (["--plan", "nowhere.toml"], "nowhere.toml: no such plan. Give a TOML file, or one of: article"),
    "features": (["--features", "cach"], '"cach" is not a feature. Did you mean "cache"?'),
    "features in two": (["--features", "cach", "--processes", 2], '"cach" is not a feature. Did you mean "cache"?'),
    "host": (["--host", "localhost:8000"], '--host: must begin with http:// or https://, got "localhost:8000"'),
    "rate": (["--rate", "inf"], 'argument --rate: must be arrivals a second'),
    "flag": (["--fetures", "none"], "unrecognized arguments: --fetures"),
}  # fmt: skip


def test_bad_input_is_one_sentence_and_exit_code_2(locust):
    tried = {name: locust("--headless", *arguments) for name, (arguments, _) in BAD.items()}
    for name, one in tried.items():
        code, said = one.ended(), one.said()
        assert code == 2, said
        assert said.count(BAD[name][1]) == 1, said
        assert "Traceback" not in said
        assert "Starting model server" not in said
        assert one.runs() == []
        assert one.left() == [], name


def test_a_busy_web_port_is_told(locust):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        one = locust("--web-port", busy.getsockname()[1])
        assert one.ended() == 2
    assert "--web-port: 127.0.0.1:" in one.said() and "Traceback" not in one.said()


def test_an_app_that_is_there_already(locust, scheduled, start):
    """Our proof is looked at only where it is to be expected; nothing is started beside Locust itself."""
    model = start("model_server", "--words", 18, "--first-token-s", 0.15, "--gap-s", 0.01)
    app = start("reference_app", "--provider-url", model.url, "--features", "none")
    runs = {
        "proof": locust("--headless", "--host", app.url, "--proof"),
        "structure": locust("--headless", "--host", app.url, "--features", "none"),
    }
    loaded = [one.loading() and one for one in runs.values()]
    assert all(len(one.left()) == 1 for one in loaded), [one.left() for one in loaded]
    for name, one in runs.items():
        assert one.ended() == told(one.run(), "report.json")["verdict"]["exit_code"], one.said()
        rows, report = requests_of(one.run()), told(one.run(), "report.json")
        assert sorted(row["request_id"] for row in rows) == scheduled()
        assert {row["outcome"] for row in rows} == {"ok"}
        assert {row["proof"] is None for row in rows} == {name == "structure"}
        assert list(report["arms"]) == ["target"]
        assert told(one.run(), "run.json")["plan"] is None
        assert {path.name for path in arm_folder(one.run()).iterdir()} == {"requests.jsonl", "generator.jsonl"}
        assert ("they change nothing about" in one.said()) == (name == "structure")
        assert one.left() == []


def test_the_web_ui(locust, scheduled):
    """In one process and in several, at the same time: two servers on one machine."""
    with ThreadPoolExecutor() as pool:
        sites = [Site(locust), Site(locust, "--processes", 2)]
        list(pool.map(from_form_to_report, sites, [0, 2], [scheduled] * 2))


def from_form_to_report(site, workers, scheduled):
    """Twice, with everything a person may get wrong in between."""
    one, locusts = site.one, 1 + workers

    assert not site.answers("127.0.0.2"), "this machine only"
    form = re.search(r'"extra_options": (\{.*?\}\})', site.page())
    assert form and set(json.loads(form[1])) == {"scenario", "plan", "features", "rate", "proof"}
    assert re.search(r'"num_users": 30\b', site.page()), "the pool of the scenario is filled in"
    wait_for(lambda: one.said().count("reported as ready") == workers, why=one.said)

    assert site.post("swarm", "https://example.org", user_count=1, spawn_rate=1)[0] == 403
    for bad, sentence in [
        ({"features": "cach"}, 'Did you mean "cache"?'),
        ({"scenario": "nowhere"}, "no such scenario"),
        ({"plan": "nowhere"}, "no such plan"),
        ({"rate": "many"}, "must be arrivals a second"),
        ({"plan": "sdk-killers", "rate": 4, "run_time": "5s"}, "30 cannot be struck: of 1"),
        ({"host": "localhost:80"}, "must begin with http://"),
    ]:
        status, answer = site.start(**bad)
        assert (status, answer["success"]) == (200, False) and sentence in answer["message"]
        assert sentence in one.said()
    assert one.runs() == []

    assert site.start(features="all,-retry")[1]["success"]
    wait_for(lambda: one.runs() and site.state() == "spawning", why=one.said)
    site.stop()
    wait_for(lambda: one.runs() == [] and len(one.left()) == locusts, why=lambda: f"{one.left()} {one.said()}")

    assert site.start(features="all,-retry", rate=12)[1]["success"]
    first = one.loading(rows=20)
    site.stop()
    wait_for(lambda: (first / "report.json").exists() and len(one.left()) == locusts, why=one.said)
    assert arms_of(first) == {"custom": "all,-retry"}
    assert told(first, "run.json")["rate_per_s"] == 12.0
    assert told(first, "run.json")["state"] == "complete"
    assert {"cache", "deadline", "stream_recovery"} <= set(features_told(first)) and "retry" not in features_told(first)

    # In one process the second comes to its end by itself; in several it is ended in the middle.
    assert site.start(features="none", rate=-1, run_time="" if workers else "3s")[1]["success"]
    wait_for(lambda: len(one.runs()) == 2, why=one.said)
    second = one.loading(rows=5)
    if not workers:
        wait_for((second / "report.json").exists, why=one.said)
        words = told(second, "run.json")["command"].split()
        asked = {flag: words[words.index(flag) + 1] for flag in ("--features", "-t", "-u", "--plan") if flag in words}
        assert words[:2] == ["locust", "--headless"], "the form is not there to be typed again"
        assert (asked["--features"], asked["-t"], "--rate" in words, "--host" in words) == ("none", "3s", False, False)
        # Starting up is not part of the run time.
        assert sorted(row["request_id"] for row in requests_of(second)) == scheduled(3.0)
    one.process.send_signal(signal.SIGTERM)
    assert one.ended() == (4 if workers else told(second, "report.json")["verdict"]["exit_code"]), one.said()
    assert arms_of(second) == {"off": "none"}
    assert told(second, "run.json")["rate_per_s"] == 8.0
    assert told(second, "run.json")["state"] == ("partial" if workers else "complete")
    assert features_told(second) == []
    for run in (first, second):
        rows = requests_of(run)
        assert sorted(row["request_id"] for row in rows) == [f"p01-{nth:06d}" for nth in range(len(rows))]
        assert all((run / name).exists() for name in REPORTS)
    assert said_arrivals(one) == sum(len(requests_of(run)) for run in (first, second))
    assert "Traceback" not in one.said()
    assert one.left() == []


def arms_of(run):
    """What run.json says was under test."""
    return {arm["name"]: arm["features"] for arm in told(run, "run.json")["arms"]}


def features_told(run):
    """What the app itself says it was."""
    rows = [json.loads(line) for line in (arm_folder(run) / "app.jsonl").read_text().splitlines()]
    (features,) = {tuple(sorted(row["features"])) for row in rows if row["event"] == "request"}
    return list(features)
