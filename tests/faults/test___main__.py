"""The command by itself, and mitmdump with a script of one's own."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from faults.actions import name_of
from faults.kinds import KINDS

MY_FAULT = '''
from faults.actions import Pause, Sever
from faults.addon import Faults
from faults.plan import Fault

def stutter(message, gap_s):
    """Every third token comes late, and the eighth never."""
    if message.index % 3 == 2: yield Pause(gap_s)
    if message.index == 7: yield Sever(reset=True)
    yield message.data

def broken(message):
    yield message.data[1 // (3 - message.index):]

class Careless(Faults):
    def requestheaders(self, flow):
        if "x-hopeless" in flow.request.headers: raise RuntimeError("not even a call")
        super().requestheaders(flow)

    def describe(self, call, body):
        if "x-careless" in call.request.headers: raise RuntimeError("oh no")
        return super().describe(call, body)

addons = [Careless(Fault(stutter, {"gap_s": [0.02, 0.04]}, routes="/v1/*"), Fault(broken, routes="/api/broken"), seed=7)]
'''


def proxy(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "faults", *map(str, arguments)], capture_output=True, text=True, timeout=20, check=False
    )


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def post(url: str, id_: str, **headers: str) -> httpx.Response:
    return httpx.post(url, headers={"x-request-id": id_, **headers}, json={"model": "m"})


def test_everything_wrong_is_told_at_once(tmp_path):
    """One sentence a problem, exit code 2, no traceback."""
    plan = tmp_path / "bad.toml"
    plan.write_text('[[fault]]\nname = "a"\nkind = "ct"\n[[fault]]\nname = "b"\nkind = "drop"\nshare = 2\n')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = proxy("--upstream", "localhost", "--plan", plan, "--port", port, "--rows", tmp_path)

    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.splitlines() == [
        "--upstream localhost: must be a URL such as http://127.0.0.1:11434",
        f'{plan}, fault[0].kind: "ct" is not a kind. Did you mean "cut"? Known: {", ".join(sorted(map(name_of, KINDS)))}',
        f"{plan}, fault[1].share: must be between 0 and 1, got 2",
        f"--port {port}: cannot listen on 127.0.0.1:{port}, address already in use",
        f"--rows {tmp_path}: cannot be written, is a directory",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--upstream", "http://127.0.0.1:9", "--plan", "none.toml"], "none.toml: No such file or directory"),
        (["--upstream", "http://127.0.0.1:9/v1"], "must have no path"),
        (["--upstream", "http://127.0.0.1:9#v1"], "must have no path"),
        (["--upstream", "http://[::1"], "--upstream http://[::1: must be a URL such as http://127.0.0.1:11434"),
        (["--upstream", "http://me:secret@127.0.0.1:9"], "must be a URL such as http://127.0.0.1:11434"),
        (["--upstream", "http://my host:9"], "--upstream http://my host:9: must be a URL such as http://127.0.0.1:11434"),
        (["--upstream", "http://127.0.0.1:9", "--port", "70000"], "must be between 0 and 65535"),
        (["--upstream", "http://127.0.0.1:9", "--faults-dir", "nowhere"], "nowhere: no such folder"),
        (["--upstream", "http://127.0.0.1:9", "--shares", "none.json"], "none.json: No such file or directory"),
        (["--upstream", "http://127.0.0.1:9", "--prompts", "none.json"], "none.json: No such file or directory"),
        (["--upstream", "http://127.0.0.1:9", "--at-s", "-1"], "--at-s -1.0: must be seconds, at least 0"),
        (["--upstream", "http://127.0.0.1:9", "--prot", "1"], "faults: unrecognized arguments: --prot 1"),
        ([], "faults: the following arguments are required: --upstream"),
    ],
)
def test_bad_input(arguments, sentence):
    told = proxy(*arguments)

    assert (told.returncode, told.stdout) == (2, "")
    assert sentence in told.stderr and len(told.stderr.splitlines()) == 1


def test_shares_that_are_nested_too_deeply_are_told(tmp_path):
    (tmp_path / "strata.json").write_text("[" * 100_000)
    told = proxy("--upstream", "http://127.0.0.1:9", "--shares", tmp_path / "strata.json")

    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == f"{tmp_path}/strata.json: not readable as JSON: nested too deeply\n"


def test_by_itself(start, tmp_path):
    """No plan, and no provider: a call is answered with 502 and has its row; the end is quick, in order, and leaves nothing."""
    home = tmp_path / "home"
    file = tmp_path / "new" / "calls.jsonl"
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    one = start("faults", "--upstream", nobody, "--rows", file, HOME=str(home), TMPDIR=str(tmp_path))
    assert re.fullmatch(r"listening on http://127.0.0.1:\d+ · plan none: 0 faults\n", one.log.read_text())

    assert post(one.url + "/api/chat", "p01-000001").status_code == 502
    began = time.monotonic()
    assert one.stop() == 0
    assert time.monotonic() - began < 3
    assert [(row["request_id"], row["status"], row["bytes"]) for row in rows(file)] == [("p01-000001", 502, 0)]
    assert one.log.read_text().count("\n") == 1
    assert not home.exists() and not list(tmp_path.glob("headwind-proxy-*"))


def test_a_call_in_flight_at_the_end_has_its_row(start, upstream, tmp_path):
    """The shipped plan is armed, and told in the ready line."""
    file = tmp_path / "calls.jsonl"
    plan = Path("faults/plans/article.toml").resolve()
    one = start("faults", "--upstream", upstream.url, "--plan", plan, "--rows", file)
    assert one.log.read_text().endswith("· plan article: 5 faults\n")

    headers = {"x-request-id": "flying", "x-n": "1000", "x-gap-s": "0.01"}
    with httpx.stream("POST", one.url + "/api/generate", headers=headers) as response:
        next(response.iter_raw())
        assert one.stop() == 0
    assert [(row["request_id"], row["status"]) for row in rows(file)] == [("flying", 200)]


def test_calls_are_told_by_the_prompts_they_hold_and_the_provider_by_their_rows_ids(start, upstream, tmp_path):
    """So rows of an app that passes no id on can be joined: its calls to its users' requests, the model's to its calls."""
    file, prompts = tmp_path / "calls.jsonl", tmp_path / "prompts.json"
    prompts.write_text('{"q1": "How do I pay?"}')
    one = start("faults", "--upstream", upstream.url, "--prompts", prompts, "--rows", file)
    asked = {"model": "m", "messages": [{"role": "user", "content": "You are kind. Question: How do I pay?"}]}

    for body in (asked, asked, {"model": "m", "messages": []}, b"no JSON"):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        httpx.post(one.url + "/api/chat", content=content).raise_for_status()
    httpx.post(one.url + "/api/chat", json=asked, headers={"x-request-id": "of-the-app"}).raise_for_status()

    told = rows(file)
    seen = httpx.get(upstream.url + "/seen").json()
    assert [row["prompt_key"] for row in told] == ["q1", "q1", "", "", "q1"]
    assert [row["attempt"] for row in told] == [1, 2, 1, 1, 1] and told[0]["request_id"] == told[1]["request_id"]
    assert all(row["request_id"] in seen for row in told) and told[4]["request_id"] == "of-the-app"


def test_a_script_of_ones_own(run, upstream, tmp_path):
    """Plain `mitmdump -s my_fault.py`; a fault with a bug and an addon with a bug sever the call and say so."""
    script, file = tmp_path / "my_fault.py", tmp_path / "calls.jsonl"
    script.write_text(MY_FAULT)
    mitmdump = Path(sys.executable).with_name("mitmdump")
    mode = f"reverse:{upstream.url}@127.0.0.1:0"
    settings = ["--set", f"faults_rows={file}", "--set", f"confdir={tmp_path}"]
    url = run(mitmdump, "--mode", mode, "-s", script, *settings).url

    with pytest.raises(httpx.ReadError):
        post(url + "/v1/chat/completions", "mine")
    with pytest.raises(httpx.RemoteProtocolError):
        post(url + "/api/broken", "buggy")
    with pytest.raises(httpx.RemoteProtocolError):
        post(url + "/api/chat", "careless", **{"x-careless": "1"})
    with pytest.raises(httpx.RemoteProtocolError):
        post(url + "/api/chat", "hopeless", **{"x-hopeless": "1"})
    assert post(url + "/api/chat", "after").status_code == 200

    mine, buggy, careless, _ = rows(file)
    assert (mine["struck"][0]["kind"], mine["struck"][0]["message"]) == ("stutter", 2)
    assert 0.02 <= mine["struck"][0]["params"]["gap_s"] <= 0.04
    line = MY_FAULT.splitlines().index("    yield message.data[1 // (3 - message.index):]") + 1
    assert re.search(rf"ZeroDivisionError.* at my_fault.py:{line}$", buggy["struck"][0]["bug"])
    assert careless["status"] == 0
    assert re.search(r"RuntimeError\('oh no'\) at my_fault.py:\d+$", careless["struck"][0]["bug"])


def test_a_bad_plan_stops_mitmdump_too(tmp_path):
    """Before it listens, with the same words."""
    mitmdump, addon = Path(sys.executable).with_name("mitmdump"), Path("faults/addon.py").resolve()
    settings = ["--set", "faults_plan=nowhere.toml", "--set", f"confdir={tmp_path}"]
    told = subprocess.run(
        [mitmdump, "--mode", "reverse:http://127.0.0.1:9@127.0.0.1:0", "-s", addon, *settings],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert told.returncode == 1
    assert "nowhere.toml: No such file or directory" in told.stdout + told.stderr
