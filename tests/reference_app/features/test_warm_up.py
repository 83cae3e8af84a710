"""warm_up: the first user finds an answer, and the start waits no longer than it may."""

import json
import time

import pytest

from reference_app.features.warm_up import questions_of
from reference_app.settings import Settings


@pytest.fixture
def asked(tmp_path):
    def write(*lines):
        path = tmp_path / "questions.txt"
        path.write_text("\n".join(lines), encoding="utf-8")
        return str(path)

    return write


def rows(app, event):
    return [row for row in map(json.loads, app.log.read_text().splitlines()) if row["event"] == event]


def test_the_first_user_finds_an_answer(app_with, provider, asked):
    """The win: no call for the first one who asks. The file's questions are paid for once, and accounted."""
    before = len(provider.seen)
    path = asked("n=3 warm", "", json.dumps({"question": "n=4 warm", "temperature": 0.5}))
    app = app_with("cache,warm_up", warm_up_file=path)

    assert len(provider.seen) - before == 2
    assert app.ask("n=3 warm").end["served_by"] == app.ask("n=4 warm", temperature=0.5).end["served_by"] == "cache"
    assert app.ask("n=4 warm").end["served_by"] == "model"
    (told,) = rows(app, "warm_up")
    assert told["questions"] == told["answered"] == 2 and told["tokens_out"] == 7
    assert app.request_row("warm-up-000001")["tokens_out"] == 3


def test_the_start_waits_no_longer_than_it_may(app_with, asked):
    """Where it costs: a slow provider holds up the start, for as long as is allowed."""
    path = asked("n=3 first=30 slow")
    began = time.monotonic()
    app = app_with("cache,warm_up", warm_up_file=path, warm_up_s=0.3)

    assert time.monotonic() - began < 3 and app.ask("n=2 meanwhile").text == "w0 w1"


def test_a_provider_that_is_down_does_not_stop_the_start(app_with, asked):
    app = app_with("cache,warm_up", warm_up_file=asked("n=3 warm"), provider_url="http://127.0.0.1:1/v1")

    (told,) = rows(app, "warm_up")
    assert told["answered"] == 0 and app.ask("n=3").status == 503


def test_without_the_feature_nothing_is_asked(app_with, provider, asked):
    before = len(provider.seen)
    app_with("cache", warm_up_file=asked("n=3 unasked"))

    assert len(provider.seen) == before


def test_every_bad_line_is_told(asked, capsys):
    path = asked("fine", '{"question": "fine"}', "{not json", '{"query": 1}', '{"question": "a", "temprature": 1}')
    with pytest.raises(SystemExit) as left:
        Settings.read(warm_up_file=path)

    told = capsys.readouterr().err.splitlines()
    assert left.value.code == 2 and [line.split(": ")[1].rpartition(", ")[2] for line in told] == ["line 3", "line 4", "line 5"]


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        questions_of(str(tmp_path / "none.txt"))
