from dataclasses import asdict

from records.join import join
from records.rows import CallRow, GenerationRow, RequestRow, is_failure


def a_request(**changes):
    row = RequestRow("p01-000001", "on", 1, "stream", "k1", 0.0, 0.0, 0.7, 2.0, 200, "ok", "model", 40)
    return asdict(row) | changes


def a_call(status=200, attempt=1, struck=(), **changes):
    row = CallRow("p01-000001", attempt, "/api/chat", "m", 0.1, 1.9, status, 900)
    return asdict(row) | {"struck": [{"fault": name, "kind": kind} for name, kind in struck]} | changes


def a_generation(tokens_in=12, tokens_out=40, **changes):
    return asdict(GenerationRow("p01-000001", 1, "m", tokens_in, tokens_out, 0.1, 0.1, 1.9, False)) | changes


def test_a_request_that_met_no_fault_wastes_nothing():
    (found,) = join([a_request()], [], [a_call()], [a_generation()])

    assert (found.outcome, found.faults, found.attempts) == ("ok", {}, 1)
    assert (found.tokens_spent, found.tokens_wasted) == (52, 0)


def test_a_recovered_request_shows_its_faults_and_what_it_cost():
    calls = [a_call(struck=[("cuts", "cut")]), a_call(attempt=2)]
    generations = [a_generation(tokens_out=6, cancelled=True), a_generation(tokens_in=17, tokens_out=35)]

    (found,) = join([a_request(served_by="recovery")], [], calls, generations)

    assert (found.faults, found.attempts, found.served_by) == ({"cuts": "cut"}, 2, "recovery")
    assert found.tokens_spent == 12 + 6 + 17 + 35
    assert found.tokens_wasted == found.tokens_spent - 12 - 40


def test_all_tokens_of_a_failed_request_are_wasted():
    (found,) = join([a_request(outcome="cut", tokens=5)], [], [a_call()], [a_generation(tokens_out=6)])

    assert found.tokens_wasted == found.tokens_spent == 18


def test_a_4xx_that_was_met_and_passed_on_is_rejected():
    (found,) = join([a_request(status=422, outcome="rejected")], [], [a_call(422, struck=[("422", "answer")])], [])

    assert found.outcome == "rejected"
    assert not is_failure(found.outcome)


def test_a_4xx_out_of_nowhere_is_an_http_error():
    (found,) = join([a_request(status=422, outcome="rejected")], [], [a_call(200)], [])

    assert found.outcome == "http_error"
    assert is_failure(found.outcome)


def test_a_4xx_of_the_providers_own_making_is_an_http_error():
    (found,) = join([a_request(status=404, outcome="rejected")], [], [a_call(404)], [])

    assert found.outcome == "http_error"


def test_the_prompt_counts_once_whatever_the_order_of_the_rows():
    generations = [a_generation(tokens_in=50, attempt=2), a_generation(tokens_in=12, tokens_out=6)]

    (found,) = join([a_request()], [], [a_call()], generations)

    assert found.tokens_wasted == 50 + 40 + 12 + 6 - 12 - 40


def test_an_answer_from_the_cache_costs_nothing():
    app = [{"event": "request", "request_id": "p01-000001", "served_by": "cache", "degraded": False}]

    (found,) = join([a_request()], app, [], [])

    assert (found.served_by, found.attempts, found.tokens_spent, found.tokens_wasted) == ("cache", 0, 0, 0)


def test_without_a_proxy_the_attempts_are_those_of_the_app():
    app = [{"event": "attempt", "request_id": "p01-000001"}] * 2

    assert join([a_request()], app, [], [])[0].attempts == 2


def test_rows_of_other_requests_do_not_mix():
    found = join([a_request(), a_request(request_id="p01-000002")], [], [a_call(struck=[("cuts", "cut")])], [a_generation()])

    assert [one.attempts for one in found] == [1, 0]
    assert [one.tokens_spent for one in found] == [52, 0]
