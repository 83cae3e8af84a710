"""The app as a process."""

import os
import socket
import subprocess
import sys
import time

import httpx
import pytest


def run(*arguments, **environment):
    command = [sys.executable, "-m", "reference_app", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30, env={**os.environ, **environment})


def test_it_listens_answers_and_leaves(start, provider, tmp_path):
    """Flags go before the environment; a stream in flight at SIGTERM does not hold it for long."""
    log = tmp_path / "app.jsonl"
    arguments = ("--provider-url", provider.url, "--features", "cache,retry", "--log-path", log)
    app = start("reference_app", *arguments, APP_FEATURES="none")
    answer = httpx.post(app.url + "/chat", json={"question": "n=3"}).json()
    with httpx.stream("POST", app.url + "/chat/stream", json={"question": "n=1000 every=0.05"}) as told:
        pieces = told.iter_bytes()
        next(pieces)
        began = time.monotonic()
        code = app.stop()

    assert answer["answer"] == provider.words(3)
    assert code == 0 and 1.5 < time.monotonic() - began < 4
    assert '"features":["cache","retry"]' in log.read_text()
    assert app.log.read_text().startswith(f"listening on {app.url}\n") and "Traceback" not in app.log.read_text()


def test_a_check_starts_nothing():
    assert (good := run("--features", "all", "--check")).returncode == 0 and good.stdout == ""
    assert 'Did you mean "cache"?' in run("--features", "chache", "--check").stderr


def test_everything_wrong_is_told_at_once():
    told = run("--features", "chache,all,-retri", "--deadline-s", "0", APP_CACHE="disk", APP_STALL_S="soon")

    assert told.returncode == 2 and "Traceback" not in told.stderr
    lines = told.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "APP_FEATURES",
        "APP_FEATURES",
        "APP_DEADLINE_S",
        "APP_CACHE",
        "APP_STALL_S",
    ]
    assert 'Did you mean "cache"?' in lines[0] and 'Did you mean "retry"?' in lines[1]


@pytest.mark.parametrize("port", ["taken", "70000"])
def test_a_port_that_cannot_be_used_is_one_sentence(port):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = run("--port", str(taken.getsockname()[1]) if port == "taken" else port)

    assert told.returncode == 2 and len(told.stderr.splitlines()) == 1 and "--port" in told.stderr


def test_uvicorn_can_make_it_and_slow_imports_stay_out(provider):
    code = (
        "import sys; from reference_app.app import create_app; create_app(); import os; print(os.environ['LANGSMITH_TRACING'], "
        "sorted({name.split('.')[0] for name in sys.modules} & {'langchain_community', 'openai', 'pandas', 'records'}))"
    )
    told = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=30)

    assert told.stdout == "false []\n", told.stderr
