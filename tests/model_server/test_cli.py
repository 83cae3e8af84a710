"""The command: every problem of its flags at once, one line when it listens, and how it leaves."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from model_server.cli import main, parse
from model_server.physics import Physics
from records.bad_input import BadInput
from records.jsonl import read_rows


def test_flags_are_the_fields_of_physics():
    physics = Physics(0.2, 0, 0.01, 0.1, 8, 2, 0, "qwen3", 9)
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in vars(physics).items() if name != "also"]

    assert parse([*flags, "--port", "80", "--rows", "x", "--prompts", "y"]) == (physics, 80, "x", "y")
    assert parse([]) == (Physics(), 0, None, None)


def test_models_beside_the_first_have_what_it_has_but_for_what_is_their_own():
    physics, *_ = parse(["--words", "8", "--also", "small first_token_s=0.2 slots=2", "--also", "large"])

    small = Physics(words=8, model="small", first_token_s=0.2, slots=2)
    assert physics == Physics(words=8, also=(small, Physics(words=8, model="large")))


def test_what_is_wrong_with_a_model_beside_the_first_is_told_at_once():
    with pytest.raises(BadInput) as bad:
        parse(["--also", "small gap_s=x word=3 seed=1", "--also", "", "--also", "llama3.1:latest"])

    assert [problem.partition(". Did")[0].partition(" Known")[0] for problem in bad.value.problems] == [
        '--also small, gap_s: must be a number, got "x"',
        '--also small: "word" is not a setting',
        '--also small: "seed" is not a setting.',
        "--also: must not be blank",
        '--also: "llama3.1:latest" is there already',
    ]


def test_every_problem_is_told_at_once():
    with pytest.raises(BadInput) as bad:
        parse(["--wrods", "8", "--slots", "0", "--gap-s", "-1", "--queue", "1.5", "--first-token-s", "nan", "--model", " "])

    stranger, *rest = bad.value.problems
    assert stranger.startswith('"--wrods" is not a flag. Did you mean "--words"?')
    assert rest == [
        "--first-token-s: must be between 0 and 3600, got nan",
        "--gap-s: must be between 0 and 3600, got -1",
        "--slots: must be at least 1, got 0",
        '--queue: must be a whole number, got "1.5"',
        "--model: must not be blank",
    ]


@pytest.mark.parametrize("arguments", [["--words"], ["stray"], ["--port", "65536"], ["--words", "8", "9"]])
def test_bad_input_is_a_sentence_and_exit_code_2(arguments: list[str], capsys: Any):
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == "" and len(told.err.splitlines()) == 1


def test_a_port_that_is_taken_and_rows_that_cannot_be_written_are_told_together(tmp_path: Path, capsys: Any):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert main(["--port", str(port), "--rows", str(tmp_path), "--prompts", str(tmp_path / "none")]) == 2

    problems = capsys.readouterr().err.splitlines()
    assert problems[0].startswith(f"--port: cannot listen on 127.0.0.1:{port} (Address already in use)")
    assert problems[1] == f"--rows: cannot write to {tmp_path} (Is a directory)"
    assert problems[2] == f"--prompts: {tmp_path}/none: No such file or directory"


def test_one_line_when_it_listens_and_exit_code_0_on_sigterm(start: Any, tmp_path: Path):
    """Even with a stream in flight, which is cut after its grace, and leaves its row."""
    flags = ("--first-token-s", 0.05, "--gap-s", 0.01, "--words", 10_000, "--rows", tmp_path / "model.jsonl")
    server = start("model_server", *flags)
    with httpx.stream("POST", f"{server.url}/api/chat", json={"model": "llama3.1", "messages": [{"content": "a"}]}) as answer:
        read = answer.iter_raw()  # kept: httpx closes the connection with its iterator
        next(read)
        assert server.log.read_text() == f"listening on {server.url}\n"
        assert server.stop() == 0

    assert "Traceback" not in server.log.read_text()
    (row,) = read_rows(tmp_path / "model.jsonl").rows
    assert row["cancelled"] and row["tokens_out"] > 100


def test_a_port_can_be_asked_for():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "model_server", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"listening on http://127.0.0.1:{port}\n"
        process.terminate()
        assert process.wait(5) == 0
