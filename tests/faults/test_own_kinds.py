"""Faults of the user's own in the real proxy; tests/test_write_a_fault.py gives them to plain mitmdump."""

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx

STUTTER = (
    "from faults.actions import Pause\ndef stutter(message, gap_s=0.01):\n    yield Pause(gap_s)\n    yield message.data\n"
)


def rows(path: Path, count: int) -> list[dict]:
    """Once they are there: a row is written when its answer is through."""
    deadline = time.monotonic() + 5
    while len(lines := path.read_text().splitlines()) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    return [json.loads(line) for line in lines]


def post(url: str, id_: str, **headers: str) -> httpx.Response:
    return httpx.post(url, headers={"x-request-id": id_, **headers}, json={"model": "m"})


def entry(name: str, kind: str, **more: object) -> str:
    told = {"name": name, "kind": kind, **more}
    return "[[fault]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in told.items())


def test_a_plan_may_name_kinds_of_a_folder(start, upstream, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "any.py").write_text(STUTTER)
    plan, file = tmp_path / "plan.toml", tmp_path / "calls.jsonl"
    plan.write_text(entry("s", "stutter") + entry("busy", "answer", status=503, routes="/v1/*"))
    one = start("faults", "--upstream", upstream.url, "--plan", plan, "--faults-dir", tmp_path / "mine", "--rows", file)

    assert post(one.url + "/api/chat", "a").status_code == 200
    assert post(one.url + "/v1/completions", "b").status_code == 503
    assert [row["struck"][0]["kind"] for row in rows(file, 2)] == ["stutter", "answer"]


def test_shares_raise_first_attempts_only_and_windows_begin_where_they_are_told_to(start, upstream, tmp_path):
    plan, shares = tmp_path / "plan.toml", tmp_path / "strata.json"
    rare = entry("rare", "answer", status=529, routes="/api/chat", share=0.0)
    plan.write_text(rare + entry("late", "answer", status=503, routes="/v1/*", during=[60, 90]))
    shares.write_text('{"faults": {"rare": {"share": 0.0, "raised_to": 1.0}}, "weights": {}}')
    words = ["--upstream", upstream.url, "--plan", plan]
    urls = [start("faults", *words, "--shares", shares, "--at-s", 60.5).url, start("faults", *words).url]

    told = [post(url + "/api/chat", "a", **{"x-attempt": n}).status_code for url in urls for n in "12"]
    assert told == [529, 200, 200, 200]
    assert [post(url + "/v1/completions", "b").status_code for url in urls] == [503, 200]


def test_bad_kinds_and_a_bad_plan_are_told_together(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.py").write_text(STUTTER)
    (tmp_path / "mine" / "b.py").write_text("def broken(message:\n")
    plan = tmp_path / "plan.toml"
    plan.write_text(entry("s", "stutter", gap=1))
    words = ["--upstream", "http://127.0.0.1:9", "--plan", plan, "--faults-dir", tmp_path / "mine"]
    told = subprocess.run([sys.executable, "-m", "faults", *words], capture_output=True, text=True, timeout=20, check=False)

    assert (told.returncode, told.stdout) == (2, "")
    assert [line.partition(": ")[0] for line in told.stderr.splitlines()] == [
        f"{tmp_path}/mine/b.py:1",
        f"{plan}, fault[0].gap",
    ]
