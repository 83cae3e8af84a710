"""The app as a process."""

import os
import socket
import subprocess
import sys
import time
from statistics import median

import httpx
import pytest


def run(*arguments, **environment):
    command = [sys.executable, "-m", "reference_app", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30, env={**os.environ, **environment})


def test_it_listens_answers_and_leaves(start, provider, tmp_path):
    """Flags go before the environment; a stream in flight at SIGTERM does not hold it for long."""
    log = tmp_path / "app.jsonl"
    arguments = ("--provider", provider.api, "--provider-url", provider.url, "--features", "cache,retry", "--log-path", log)
    app = start("reference_app", *arguments, APP_FEATURES="none", APP_API_KEY="sk-secret", APP_SHUTDOWN_S="2")
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
    assert "sk-secret" not in app.log.read_text() + log.read_text()


def test_a_check_starts_nothing():
    assert (good := run("--features", "all", "--check")).returncode == 0 and good.stdout == ""
    assert 'Did you mean "cache"?' in run("--features", "chache", "--check").stderr


def test_the_features_that_are_on_are_listed_one_a_line():
    assert run("--features", "retry,cache", "--list").stdout == "cache\nretry\nconnection_pool\nasync_calls\n"
    assert run("--features", "none", "--list").stdout == "connection_pool\nasync_calls\n"
    told = run("--features", "chache", "--list")
    assert (told.returncode, told.stdout) == (2, "") and 'Did you mean "cache"?' in told.stderr


def test_everything_wrong_is_told_at_once():
    wrong = {"APP_CACHE": "disk", "APP_STALL_S": "soon", "APP_API_KEY": "sk-é secret"}
    told = run("--features", "chache,all,-retri", "--deadline-s", "0", "--provider", "azure", **wrong)

    assert told.returncode == 2 and "Traceback" not in told.stderr
    lines = told.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "APP_PROVIDER",
        "APP_API_KEY",
        "APP_FEATURES",
        "APP_FEATURES",
        "APP_DEADLINE_S",
        "APP_CACHE",
        "APP_STALL_S",
    ]
    assert 'Did you mean "cache"?' in lines[2] and 'Did you mean "retry"?' in lines[3]
    assert "'ollama' or 'openai', got 'azure'" in lines[0] and "secret" not in told.stderr


def test_a_port_that_is_taken_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = run("--port", str(taken.getsockname()[1]))

    assert told.returncode == 2 and len(told.stderr.splitlines()) == 1 and "--port" in told.stderr


@pytest.mark.parametrize(("port", "check"), [("70000", []), ("70000", ["--check"]), ("-1", ["--check"])])
def test_a_port_that_is_none_is_one_sentence(port, check):
    told = run("--port", port, *check)

    assert (told.returncode, told.stderr) == (2, f"--port: must be between 0 and 65535, got {port}\n")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nowhere/x", "nowhere is no folder"),
        ("file/x", "file is no folder"),
        ("", "it is a folder"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path, path, why):
    (tmp_path / "file").touch()
    by_flag = run("--log-path", str(tmp_path / path))
    by_environment = run("--check", APP_LOG_PATH=str(tmp_path / path))

    assert by_flag.returncode == by_environment.returncode == 2 and by_flag.stderr == by_environment.stderr
    (line,) = by_flag.stderr.splitlines()
    assert line.startswith(f"APP_LOG_PATH: {tmp_path / path} cannot be written: ") and why in line


def test_a_check_makes_no_log(tmp_path):
    assert run("--log-path", str(tmp_path / "app.jsonl"), "--check").returncode == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("api", ["ollama"], indirect=True)
def test_first_tokens_on_a_reused_connection_come_at_once(start, provider):
    """Nagle's algorithm would keep each back until the user's kernel has acknowledged the header, 40 ms later."""
    app, late_s = start("reference_app", "--provider-url", provider.url, "--features", "none"), []
    with httpx.Client() as user:
        for number in range(30):
            request_id = f"reused-{number}"
            body, headers = {"question": "n=2 every=0.05"}, {"x-request-id": request_id}
            with user.stream("POST", app.url + "/chat/stream", json=body, headers=headers) as told:
                pieces = told.iter_bytes()
                assert b"w0" in next(pieces)
                late_s.append(time.monotonic() - provider.of(request_id)[0].at)
                assert b"done" in b"".join(pieces)

    assert median(late_s) < 0.02


@pytest.mark.parametrize(("chosen", "needed"), [("ollama", "['ollama']"), ("openai", "['openai']")])
def test_uvicorn_can_make_it_and_slow_imports_stay_out(chosen, needed):
    """Of the two providers' clients, each of which takes up to a second, the other's too."""
    slow = {"langchain_community", "ollama", "openai", "pandas", "records"}
    code = (
        "import sys; from reference_app.app import create_app; create_app(); import os; print(os.environ['LANGSMITH_TRACING'], "
        f"sorted({{name.split('.')[0] for name in sys.modules}} & {slow}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "APP_PROVIDER": chosen, "OPENAI_PROXY": "http://127.0.0.1:9"},
    )

    assert told.stdout == f"false {needed}\n", told.stderr
