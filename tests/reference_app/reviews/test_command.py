"""`python -m reference_app.reviews`, as a process before a provider over TCP."""

import json
import os
import pty
import signal
import subprocess
import termios
import time
from collections import Counter

import pytest

from tests.reference_app.conftest import until
from tests.reference_app.reviews.conftest import COMMAND, Analysing, Reviews, analysis_of, lines
from tests.reference_app.stub import serve_provider


def asked_of(provider):
    """How often each review was asked about."""
    return Counter(json.loads(call.body["messages"][1]["content"]).strip() for call in provider.seen)


def test_each_row_has_its_line_in_order(reviews):
    """Bad rows, a repair, a passing 503 and a refusal among them; the slowest first."""
    source = reviews.write(
        "in.csv",
        b'id,review\na,"slow=0.5 one"\nb,\nc\nd,\xff\ne,odd=1\nf,odd=2\ng,status=503 times=1\nh,status=422\ni,"multi\nline"\n',
    )
    code, said = reviews.run(source, "--column", "review", "--concurrency", "4")
    rows = reviews.rows

    assert code == 1, said
    assert [row["row"] for row in rows] == list(range(1, 10)) and [row.get("id") for row in rows] == list("abcdefghi")
    assert rows[0] == {"row": 1, "id": "a", **analysis_of("slow=0.5 one")}
    assert [row["row"] for row in rows if "error" in row] == [2, 3, 4, 6, 8]
    assert rows[8]["summary"] == "It says: multi\nline"
    assert "no JSON object: 'I cannot do that.'" in rows[5]["error"] and "injected 422" in rows[7]["error"]
    assert asked_of(reviews.provider)["odd=1"] == asked_of(reviews.provider)["odd=2"] == 2
    assert asked_of(reviews.provider)["status=422"] == 1 and "9 rows, 5 of them errors" in said


def test_a_second_run_of_a_finished_file_says_so_and_asks_nothing(reviews):
    """And changes nothing."""
    source = reviews.write("in.txt", lines(5))
    assert reviews.run(source)[0] == 0
    before, calls = reviews.out.read_bytes(), len(reviews.provider.seen)
    code, said = reviews.run(source)

    assert (code, said) == (0, f"{reviews.out} is complete: 5 rows. There is nothing left to do.\n")
    assert reviews.out.read_bytes() == before and len(reviews.provider.seen) == calls == 5


@pytest.mark.timeout(600)
def test_killed_again_and_again_it_ends_with_the_file_it_would_have_made(reviews, tmp_path):
    """kill -9 at several times: nothing lost, nothing twice in the output, and asked twice only what was in flight."""
    count, at_once = 300, 8
    source = reviews.write("in.txt", lines(count, lambda number: f"slow={0.01 * (number % 7)}"))
    kills, done = 4, 0
    for _ in range(kills):
        before, done = done, _killed(reviews, source, at_once, done)
        assert before < done < count
    code, said = reviews.run(source, "--concurrency", str(at_once))
    asked = asked_of(reviews.provider)
    again = sum(times - 1 for times in asked.values())

    print(f"killed 4 times: {count} rows, {len(reviews.provider.seen)} calls, {again} made again")
    assert code == 0 and f"going on with row {done + 1}" in said
    assert [row["row"] for row in reviews.rows] == list(range(1, count + 1))
    assert all(row["summary"].startswith(f"It says: review {row['row']} ") for row in reviews.rows)
    assert len(asked) == count and again <= kills * 4 * at_once


def _killed(reviews, source, at_once, done):
    """How many lines there are after another kill."""
    process = reviews.start(source, "--concurrency", str(at_once))
    until(lambda: process.poll() is not None or _lines_of(reviews.out) >= done + 20, within_s=60)
    process.kill()
    process.communicate()
    return _lines_of(reviews.out)


def _lines_of(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.parametrize(("sign", "code", "name"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")])
def test_a_signal_keeps_what_is_done_and_says_how_to_go_on(reviews, sign, code, name):
    """The provider's calls are ended, and the same command ends the work."""
    source = reviews.write("in.txt", lines(200, lambda _: "slow=0.05"))
    process = reviews.start(source)
    until(lambda: _lines_of(reviews.out) >= 10, within_s=30)
    process.send_signal(sign)
    said = process.communicate(timeout=20)[1]
    done = _lines_of(reviews.out)

    assert process.returncode == code and f"Stopped by {name}." in said and "Traceback" not in said
    assert f"python -m reference_app.reviews {source} --out {reviews.out}" in said and f"{done} rows of 200" in said
    until(lambda: all(call.ended in ("left", "done") for call in reviews.provider.seen))
    assert reviews.run(source)[0] == 0 and len(reviews.rows) == 200


def test_an_input_that_has_changed_is_refused(reviews):
    """As is another model: no file of two halves."""
    source = reviews.write("in.txt", lines(3))
    assert reviews.run(source)[0] == 0
    before = reviews.out.read_bytes()
    code, said = reviews.run(reviews.write("in.txt", lines(4)))
    assert code == 2 and "was begun with something else: input was" in said and reviews.out.read_bytes() == before
    reviews.write("in.txt", lines(3))
    code, said = reviews.run(source, APP_MODEL="another")
    assert code == 2 and "model was 'llama3.1' and is 'another'" in said


def test_a_provider_that_is_down_ends_the_work_without_spoiling_it(reviews):
    """None of the rows it failed is written; when it is back, they are asked about."""
    source = reviews.write("in.txt", lines(60))
    reviews.provider.out = True
    code, said = reviews.run(source, "--patience-s", "0.5", APP_FEATURES="retry,breaker")
    assert code == 1 and "the provider fails every row" in said and reviews.rows == []
    reviews.provider.out = False
    code, said = reviews.run(source, "--concurrency", "adaptive")
    assert code == 0 and len(reviews.rows) == 60, said


def test_an_apology_does_not_hide_that_the_provider_is_down(reviews):
    """What `fallback` would say to a user is an answer to nobody here, and would make an error of each row at once."""
    source = reviews.write("in.txt", lines(60))
    reviews.provider.out = True
    code, said = reviews.run(source, "--patience-s", "0.5", APP_FALLBACK_TEXT="Sorry.")
    assert code == 1 and "the provider fails every row" in said and reviews.rows == []


def test_an_outage_that_passes_is_waited_for(reviews):
    """The breaker refuses at once, which would make an error of every row within a second."""
    source = reviews.write("in.txt", lines(150, lambda _: "slow=0.02"))
    process = reviews.start(source, APP_BREAKER_OPEN_S="0.5")
    until(lambda: _lines_of(reviews.out) >= 20, within_s=30)
    reviews.provider.out = True
    time.sleep(2)
    reviews.provider.out = False
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 0, said
    assert all("error" not in row for row in reviews.rows) and len(reviews.rows) == 150


def test_without_a_terminal_lines_tell_how_far_it_is(reviews):
    """With the cost, where there is a price list, and no sign that a log could not show."""
    source = reviews.write("in.txt", lines(20))
    prices = reviews.write(
        "prices.toml",
        'currency = "USD"\nsource = "a test"\nas_of = "2026-01-31"\n'
        '[models."llama3.1"]\ninput_per_million = 100.0\noutput_per_million = 500.0\n',
    )
    code, said = reviews.run(source, APP_PRICES=str(prices))
    # 30 tokens in and 20 out for each.
    assert code == 0 and "20 of 20 rows (100.0 %)" in said and " rows/s, 0 errors, 0.2600 USD" in said
    assert "\r" not in said and "━" not in said


def test_on_a_terminal_there_is_a_bar(reviews):
    """With errors, and tokens where there is no price list."""
    source = reviews.write("in.txt", lines(30, lambda _: "slow=0.1"))
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    process = subprocess.Popen([*COMMAND, str(source), "--out", str(reviews.out)], stderr=theirs, env=reviews.environment())
    os.close(theirs)
    said = b""
    try:
        while piece := os.read(ours, 65536):
            said += piece
    except OSError:
        pass
    os.close(ours)
    assert process.wait(20) == 0
    assert b"\r" in said and b"30/30" in said and b"0 errors, 1,500 tokens" in said


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--concurrency", "0"], 'must be "adaptive" or a number from 1 to 1000, got "0"'),
        (["--concurrency", "many"], 'got "many"'),
        (["--patience-s", "-1"], "must be seconds, 0 or more"),
        (["--column", "review"], "which has no columns"),
        (["--format", "xml"], "invalid choice"),
    ],
)
def test_bad_flags_are_told(reviews, flags, sentence):
    """In one sentence, with exit code 2."""
    code, said = reviews.run(reviews.write("in.txt", lines(1)), *flags)
    assert code == 2 and sentence in said and "Traceback" not in said


def test_bad_files_and_settings_are_told(reviews):
    """And an input is not written over."""
    good = reviews.write("in.txt", lines(1))
    for source, settings, sentence in (
        (reviews.folder / "nowhere.txt", {}, "nowhere.txt is no file"),
        (reviews.folder, {}, "is no file"),
        (good, {"APP_FEATURES": "chache"}, 'Did you mean "cache"?'),
        (good, {"APP_FEATURES": "as_published"}, "is another app"),
    ):
        code, said = reviews.run(source, **settings)
        assert code == 2 and sentence in said and "Traceback" not in said
    reviews.out.mkdir()
    assert "is no plain file" in reviews.run(good)[1]
    same = subprocess.run([*COMMAND, str(good), "--out", str(good)], capture_output=True, text=True, check=False, timeout=30)
    assert same.returncode == 2 and good.read_text() == lines(1)


def test_a_wrong_key_or_model_ends_the_work_before_it_spoils_a_short_file(reviews):
    """Each row is asked about once."""
    source = reviews.write("in.txt", lines(3, lambda _: "status=401 times=4"))
    code, said = reviews.run(source, APP_FEATURES="none")
    assert code == 1 and "injected 401" in said and reviews.rows == [] and len(reviews.provider.seen) == 3


def test_openai_s_api_does_as_well(tmp_path):
    """With a repair, whose question holds the answer that was wrong."""
    provider, stop = serve_provider("openai", Analysing)
    try:
        reviews = Reviews(provider, tmp_path)
        code, said = reviews.run(reviews.write("in.jsonl", '"good"\n{"text": "odd=1", "id": 7}\n'), APP_PROVIDER="openai")
    finally:
        stop()
    assert code == 0, said
    assert reviews.rows == [{"row": 1, **analysis_of("good")}, {"row": 2, "id": 7, **analysis_of("odd=1")}]
    assert [message["role"] for message in provider.seen[-1].body["messages"]] == ["system", "user", "assistant", "user"]
    assert {call.sampling["temperature"] for call in provider.seen} == {0}
