"""A generation over real sockets: its timing, its row, its slot, and what happens when the client leaves."""

import asyncio
import time
from itertools import pairwise
from statistics import median
from typing import Any

import httpx
import pytest

from model_server.answers import Prompt, answer
from model_server.generation import Engine, asker
from model_server.models import Models
from model_server.physics import Physics, first_token_s
from records.prompts import Prompts
from records.proof import check

ASKED = {"model": "llama3.1", "messages": [{"role": "user", "content": "Why?"}]}


def who(request_id: str, attempt: int = 1) -> dict[str, str]:
    return {"x-request-id": request_id, "x-attempt": str(attempt)}


def chat(url: str, request_id: str = "p01-000001", **more: Any) -> httpx.Response:
    return httpx.post(f"{url}/api/chat", json={**ASKED, **more}, headers=who(request_id), timeout=10)


def test_tokens_arrive_when_the_physics_say(model: Any):
    """Gaps near the median and, as tokens are due at absolute times, no drift over the whole stream."""
    server = model("--words", 58, "--gap-s", 0.02)
    with httpx.Client() as client:  # made before the clock runs: it takes some 50 ms
        begun = time.monotonic()
        with client.stream("POST", f"{server.url}/api/chat", json=ASKED) as answer:
            arrived = [time.monotonic() for _ in answer.iter_raw()]

    gaps = [after - before for before, after in pairwise(arrived)]
    assert abs(median(gaps) - 0.02) < 0.002
    assert arrived[0] - begun == pytest.approx(0.1, abs=0.08)
    assert arrived[-1] - arrived[0] == pytest.approx(60 * 0.02, abs=0.04)


def test_the_row_says_what_happened(model: Any):
    """Stamps of the one clock, in order; the first token's is the one the client saw."""
    server = model("--words", 3, "--first-token-sigma", 0.25, "--seed", 3)
    with httpx.stream("POST", f"{server.url}/api/chat", json=ASKED, headers=who("p01-000417", 2)) as answer:
        seen = [time.monotonic() for _ in answer.iter_raw()]

    (row,) = server.rows(1)
    assert (row["request_id"], row["attempt"], row["model"]) == ("p01-000417", 2, "llama3.1")
    assert (row["tokens_in"], row["tokens_out"], row["cancelled"]) == (5, 5, False)
    assert row["queued_s"] <= row["started_s"] < row["first_token_s"] <= row["finished_s"]
    assert 0 <= seen[0] - row["first_token_s"] < 0.02
    expected = first_token_s(Physics(first_token_s=0.1, seed=3), "p01-000417", 2)
    assert row["first_token_s"] - row["started_s"] == pytest.approx(expected, abs=0.02)


def test_on_a_connection_used_again_the_first_token_is_not_held_back(model: Any):
    """With Nagle's algorithm on, it would wait 40 ms for the acknowledgement of its headers."""
    server, seen = model("--words", 3), []
    with httpx.Client() as client:
        for _ in range(4):
            with client.stream("POST", f"{server.url}/api/chat", json=ASKED) as answer:
                arrived = [time.monotonic() for _ in answer.iter_raw()]  # all: else the connection is not used again
            seen.append(arrived[0])

    delays = [at - row["first_token_s"] for at, row in zip(seen, server.rows(4), strict=True)]
    assert median(delays) < 0.01


def test_without_headers_the_body_is_the_key(model: Any):
    server = model("--words", 3)
    texts = [httpx.post(f"{server.url}/api/chat", json={**ASKED, "stream": False}).json()["message"] for _ in range(2)]

    assert texts[0] == texts[1]
    assert {(row["request_id"], row["attempt"]) for row in server.rows(2)} == {("", 1)}


@pytest.mark.parametrize(
    ("headers", "attempt"),
    [
        ({}, 1),
        ({"x-stainless-retry-count": "0"}, 1),
        ({"x-stainless-retry-count": "2"}, 3),
        ({"x-attempt": "5", "x-stainless-retry-count": "2"}, 5),
        ({"x-attempt": "two", "x-stainless-retry-count": "1"}, 2),
        ({"x-attempt": "9" * 5000}, 1),
    ],
)
def test_attempts_are_counted_by_who_counts_them(headers: dict[str, str], attempt: int):
    """Retries of OpenAI's client count where nobody says better."""
    assert asker(headers, b"{}").attempt == attempt
    assert asker({**headers, "x-request-id": "p01-000417"}, b"{}").key == "p01-000417"


def test_an_answer_proves_itself_to_the_user_whatever_the_app_made_of_the_question():
    """Told the workload's prompts, the model names the one it was asked, as the user's first turn."""
    models = Models(Physics())
    engine = Engine(models, prompts=Prompts({"q1": "Why?"}))
    wrapped = Prompt(
        "Be kind. Question: Why?", ["Say hello", "Hello!", "Be kind. Question: Why?"], {"temperature": 0.3}, turn=2
    )

    text = "".join(answer(engine.asked(wrapped, models.first), 8, 7, "p01-000001", 1).pieces)
    assert check(text, "Why?", {"temperature": 0.3}).outcome == "ok"
    other = Prompt("Which?", ["Which?"], turn=2)
    assert engine.asked(other, models.first) is other and Engine(models).asked(wrapped, models.first) is wrapped


def test_a_client_that_leaves_before_the_first_token_is_noticed(model: Any):
    server = model("--first-token-s", 30)
    begun = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.url}/api/chat", json=ASKED, headers=who("p01-000001"), timeout=0.3)

    (row,) = server.rows(1)
    assert (row["cancelled"], row["tokens_out"], row["first_token_s"]) == (True, 0, None)
    assert row["finished_s"] - begun < 1


def test_a_client_that_leaves_in_mid_stream_is_noticed_within_a_token(model: Any):
    server = model("--words", 500)
    with httpx.stream("POST", f"{server.url}/api/chat", json=ASKED) as answer:
        read = answer.iter_raw()
        for _ in range(5):
            next(read)
    left = time.monotonic()

    (row,) = server.rows(1)
    assert row["cancelled"]
    assert 5 <= row["tokens_out"] <= 8
    assert row["finished_s"] - left < 0.05


def test_a_whole_answer_that_nobody_waits_for_is_cancelled_too(model: Any):
    server = model("--words", 500)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.url}/api/chat", json={**ASKED, "stream": False}, timeout=0.3)

    (row,) = server.rows(1)
    assert row["cancelled"] and 5 <= row["tokens_out"] <= 25


async def _many(url: str, count: int) -> list[httpx.Response | Exception]:
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=10) as client:
        calls = [client.post(f"{url}/api/chat", json=ASKED, headers=who(f"p01-{number:06d}")) for number in range(count)]
        return await asyncio.gather(*calls, return_exceptions=True)


def test_beyond_slots_and_queue_it_is_busy_as_ollama_is(model: Any):
    """Two at once, three waiting, one turned away at once, without a row: nothing was generated."""
    server = model("--slots", 2, "--queue", 3, "--words", 8)
    answers = asyncio.run(_many(server.url, 6))

    statuses = sorted(answer.status_code for answer in answers if isinstance(answer, httpx.Response))
    assert statuses == [200] * 5 + [503]
    (busy,) = (answer for answer in answers if isinstance(answer, httpx.Response) and answer.status_code == 503)
    assert busy.json() == {"error": "server busy, please try again.  maximum pending requests exceeded"}
    rows = sorted(server.rows(5), key=lambda row: row["started_s"])
    assert sum(row["started_s"] - row["queued_s"] > 0.1 for row in rows) == 3
    assert all(later["started_s"] >= min(row["finished_s"] for row in rows) for later in rows[2:])


def test_who_leaves_while_queued_frees_its_place(model: Any):
    """With room for one in the queue, one after the other may wait there and leave; none is turned away."""
    server = model("--slots", 1, "--queue", 1, "--words", 5000)
    with httpx.stream("POST", f"{server.url}/api/chat", json=ASKED) as holder:
        read = holder.iter_raw()  # kept: httpx closes the connection with its iterator
        next(read)
        for number in range(3):
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{server.url}/api/chat", json=ASKED, headers=who(f"p01-{number:06d}"), timeout=0.1)
        rows = server.rows(3)

    for row in rows:
        assert (row["cancelled"], row["started_s"], row["tokens_in"], row["tokens_out"]) == (True, None, 0, 0)


def test_a_cancelled_generation_frees_its_slot_at_once(model: Any):
    server = model("--slots", 1, "--words", 3, "--first-token-s", 0.5)
    for number in range(3):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{server.url}/api/chat", json=ASKED, headers=who(f"p01-{number:06d}"), timeout=0.1)

    assert chat(server.url, "p01-000009").status_code == 200
    assert sorted(row["cancelled"] for row in server.rows(4)) == [False, True, True, True]
    last = server.rows(4)[-1]
    assert last["started_s"] - last["queued_s"] < 0.05
