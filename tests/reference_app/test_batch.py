"""/chat/batch: many questions in one request, each a request of its own."""

import asyncio
import time

import httpx

from tests.reference_app.capacity import Limited, app_before
from tests.reference_app.conftest import until


def ask(app, questions, request_id, **params):
    headers = {"x-request-id": request_id}
    return httpx.post(app.url + "/chat/batch", json={"questions": questions, **params}, headers=headers, timeout=20)


def test_answers_come_in_order_with_their_own_ids_and_one_sum(app_with, provider):
    """The slow ones are not passed by the fast ones; each id reaches the provider."""
    told = ask(app_with("all"), [f"n={n} first={0.3 if n < 3 else 0}" for n in range(1, 6)], "b-order", seed=4)
    body = told.json()

    assert told.status_code == 200 and body["failed"] == 0
    assert [one["answer"] for one in body["answers"]] == [provider.words(n) for n in range(1, 6)]
    assert [one["request_id"] for one in body["answers"]] == [f"b-order.{n}" for n in range(1, 6)]
    assert body["usage"]["input_tokens"] == 5 * 12 and body["usage"]["output_tokens"] == 1 + 2 + 3 + 4 + 5
    assert body["usage"]["attempts"] == sum(one["usage"]["attempts"] for one in body["answers"]) == 5
    assert all(provider.of(f"b-order.{n}")[0].sampling["seed"] == 4 for n in range(1, 6))


def test_a_bad_question_sinks_no_other(app_with, provider):
    """Empty, too long, refused by the provider, dead for good, dead for once: each has its own sentence, or its answer."""
    questions = ["n=1", "  ", "x" * 32_001, "status=422", "status=503 ra=0", "n=2 status=503 times=1", "n=3"]
    body = ask(app_with("retry", retry_base_s=0.01), questions, "b-bad").json()
    statuses = [one["status"] for one in body["answers"]]

    assert statuses == [200, 422, 422, 422, 503, 200, 200] and body["failed"] == 4
    assert "at most 32000 characters" in body["answers"][2]["error"]
    assert "injected 422" in body["answers"][3]["error"] and "injected 503" in body["answers"][4]["error"]
    assert body["answers"][4]["retry_after_s"] == 0
    assert [len(provider.of(f"b-bad.{n}")) for n in range(1, 8)] == [1, 0, 0, 1, 3, 2, 1]
    assert body["usage"]["attempts"] == 8


def test_each_question_has_its_own_deadline_from_its_turn_on(app_with):
    """Three at once: the last ones begin when the time of the first ones is over, and have all of theirs."""
    app = app_with("deadline", deadline_s=0.8, batch_concurrency=3)
    body = ask(app, ["n=1 first=5"] * 3 + ["n=1 first=0.3"] * 3, "b-late").json()

    assert [one["status"] for one in body["answers"]] == [504, 504, 504, 200, 200, 200]


def test_so_many_at_once_and_no_more(tmp_path):
    """Claim B2: ten calls one after the other, and as a batch."""

    async def run():
        provider = Limited(service_s=0.3)
        async with app_before(provider, tmp_path, "none", batch_concurrency=10) as app:
            clock = asyncio.get_running_loop().time
            began = clock()
            for number in range(10):
                assert (await app.ask(f"one {number}")).status == 200
            sequential_s, one_most = clock() - began, provider.most
            began = clock()
            told = await app.http.post("/chat/batch", json={"questions": [f"batch {n}" for n in range(10)]})
            batch_s, ten_most = clock() - began, provider.most
            provider.most = 0
            more = await app.http.post("/chat/batch", json={"questions": [f"more {n}" for n in range(40)]})
            assert told.json()["failed"] == more.json()["failed"] == 0
            return sequential_s, batch_s, one_most, ten_most, provider.most

    sequential_s, batch_s, one_most, ten_most, forty_most = asyncio.run(run())
    print(f"B2, 10 calls of 0.3 s: one after the other {sequential_s:.2f} s, as a batch {batch_s:.2f} s")
    assert (one_most, ten_most, forty_most) == (1, 10, 10)
    assert batch_s < sequential_s / 2


def test_who_leaves_ends_all_calls(app_with, provider):
    """Those that run are cancelled at the provider, those that wait are never made."""
    app = app_with("all", batch_concurrency=4)
    with httpx.Client(timeout=0.8) as user:
        try:
            user.post(
                app.url + "/chat/batch", json={"questions": [f"n=1000 every=0.05 seed={n}" for n in range(8)]},
                headers={"x-request-id": "b-leaves"},
            )  # fmt: skip
        except httpx.ReadTimeout:
            left_at = time.monotonic()
    calls = [call for n in range(1, 9) for call in provider.of(f"b-leaves.{n}")]

    assert len(calls) == 4
    until(lambda: all(call.ended == "left" for call in calls))
    print(f"noticed by the provider {max(call.ended_at for call in calls) - left_at:.2f} s after the user left")
    assert app.request_row("b-leaves")["outcome"] == "cancelled"
    assert [app.request_row(f"b-leaves.{n}")["outcome"] for n in range(1, 5)] == ["cancelled"] * 4


def test_each_question_has_its_line_and_is_counted(app_with):
    """Apart from the batch itself, so that neither is counted twice."""
    app = app_with("none", model="batch-lines")
    ask(app, ["n=3", "status=422"], "b-lines")
    good, bad = app.request_row("b-lines.1"), app.request_row("b-lines.2")

    assert (good["status"], good["tokens_out"], good["route"], good["outcome"]) == (200, 3, "/chat/batch", "ok")
    assert (bad["status"], bad["outcome"]) == (422, "rejected")
    assert app.request_row("b-lines")["attempts"] == 0 and app.request_row("b-lines")["outcome"] == "ok"
    told = httpx.get(app.url + "/metrics").text
    assert 'app_requests_total{outcome="ok",route="/chat/batch/question",served_by="model",status="200"} 1.0' in told
    assert 'app_requests_total{outcome="ok",route="/chat/batch",served_by="",status="200"} 1.0' in told
    assert "app_requests_in_flight 0.0" in told


def test_a_batch_is_no_way_around_the_rate_limit(app_with):
    """Each question counts."""
    app = app_with("rate_limit", rate_limit="3/hour", batch_concurrency=1)
    body = ask(app, ["n=1"] * 5, "b-rate").json()

    assert [one["status"] for one in body["answers"]] == [200, 200, 200, 429, 429]
    assert body["answers"][3]["retry_after_s"] > 0


def test_a_batch_that_cannot_be_read_is_refused_as_a_whole(app_with):
    """Which of its fields, and why."""
    app = app_with("none", batch_max=3)
    questions_at = ["body", "questions"]
    for questions, where in (([], questions_at), (["n=1"] * 4, questions_at), (["n=1", 7], [*questions_at, 1])):
        told = ask(app, questions, "b-unreadable")
        assert told.status_code == 422 and told.json()["detail"][0]["loc"] == where, told.text
    assert told.json()["detail"][0]["msg"] == "Input should be a valid string"
    assert "at most 3 questions, got 4" in ask(app, ["n=1"] * 4, "b-many").text
    assert ask(app, ["n=1"], "b-hot", temperature=9).status_code == 422
    assert [problem["loc"][-1] for problem in ask(app, [7] * 50_000, "b-all").json()["detail"]] == [0], "no further than that"
    assert ask(app, ["n=1"], "b-extra", nobody=1).status_code == 422


def test_a_batch_without_any_answer_does_not_count_as_one(app_with):
    """An alert that looks for answers is not to be silenced by it."""
    app = app_with("none")
    assert ask(app, ["status=503", "status=422"], "b-none").status_code == 200
    assert app.request_row("b-none")["outcome"] == "http_error"
