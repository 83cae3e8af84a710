"""output_limit: it wins where answers are longer than anybody pays for; it costs the end of those that were not."""

from concurrent.futures import ThreadPoolExecutor

import pytest

ROUTES = pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
LIMIT = {"output_limit_tokens": 10}


@ROUTES
@pytest.mark.parametrize(("asked", "sent"), [({}, 10), ({"max_tokens": 50}, 10), ({"max_tokens": 4}, 4)])
def test_the_provider_is_told_the_smaller_of_both_limits(app_with, provider, route, asked, sent):
    """Whether the user gave none, more, or less; all else the user said goes along."""
    told = app_with("output_limit", **LIMIT).ask("n=2", route, temperature=0.3, seed=7, **asked)
    (seen,) = provider.of(told.request_id)

    assert seen.sampling == {"temperature": 0.3, "seed": 7, "max_tokens": sent}
    assert "finish" not in told.end and told.text == provider.words(2)


@ROUTES
def test_an_answer_that_is_cut_short_is_cheaper_and_says_so(app_with, provider, price_list, route):
    """Wins in cost, costs the end of the answer."""
    limited = app_with("output_limit,stream_recovery", prices=price_list, **LIMIT).ask("n=40", route)
    whole = app_with("stream_recovery", prices=price_list).ask("n=40", route)

    assert (limited.status, limited.text, limited.end["finish"]) == (200, provider.words(10), "length")
    assert (whole.text, whole.end.get("finish")) == (provider.words(40), None)
    # Finished as it was asked to: nothing to recover.
    assert len(provider.of(limited.request_id)) == 1 and limited.end["degraded"] is False
    costs = [one.end["usage"]["cost"] for one in (limited, whole)]
    print(
        f"40 tokens wanted, 10 allowed: {costs[0]:.6f} instead of {costs[1]:.6f} EUR, and 30 tokens of the answer are missing"
    )
    assert costs[0] < costs[1] / 2


def test_a_users_own_limit_is_told_as_well(app_with, provider):
    """Whoever set it: an answer that ends early says so."""
    told = app_with("none").ask("n=9", max_tokens=5)

    assert (told.text, told.end["finish"]) == (provider.words(5), "length")


@ROUTES
def test_what_is_kept_of_a_limited_answer_says_so_again(app_with, provider, route):
    """It may be kept: the key holds the limit. Another limit is another question."""
    app = app_with("output_limit,cache", **LIMIT)
    question = f"n=12 kept by {route}"
    first, again, less = app.ask(question, route), app.ask(question, route), app.ask(question, route, max_tokens=3)

    assert [one.end["served_by"] for one in (first, again, less)] == ["model", "cache", "model"]
    assert [one.end["finish"] for one in (first, again, less)] == ["length"] * 3
    assert [one.text for one in (first, again, less)] == [provider.words(10), provider.words(10), provider.words(3)]


def test_who_shares_a_call_is_told_as_well(app_with, provider):
    """Followers have no attempt of their own."""
    app = app_with("output_limit,single_flight", **LIMIT)
    with ThreadPoolExecutor(4) as users:
        told = list(users.map(lambda _: app.ask("n=12 every=0.02 shared"), range(4)))

    assert sum(len(provider.of(one.request_id)) for one in told) < 4
    assert {(one.text, one.end["finish"]) for one in told} == {(provider.words(10), "length")}


def test_who_shares_a_call_of_another_process_is_told_as_well(app_with, provider, redis_server):
    """The end of the answer comes by Redis."""
    shared = {"redis_url": redis_server.url, **LIMIT}
    apps = [app_with("output_limit,single_flight", max_attempts=number, **shared) for number in (5, 6)]
    with ThreadPoolExecutor(2) as users:
        told = list(users.map(lambda app: app.ask("n=12 every=0.05 shared between two"), apps))

    assert sum(len(provider.of(one.request_id)) for one in told) == 1
    assert {(one.text, one.end["finish"]) for one in told} == {(provider.words(10), "length")}


def test_a_recovered_answer_has_no_more_tokens_than_a_whole_one(app_with, provider):
    """Three were said before the break: seven may follow."""
    app = app_with("output_limit,stream_recovery", recovery="continue", recovery_base_s=0.001, **LIMIT)
    told = app.ask("n=40 cut=3 how=fin times=1")
    first, second = provider.of(told.request_id)

    assert [seen.sampling["max_tokens"] for seen in (first, second)] == [10, 7]
    assert (told.text, told.end["finish"]) == (provider.words(10), "length")


def test_it_counts_what_it_caps_and_what_it_cut_short(app_with):
    """The share of the two tells whether the limit is too low."""
    app = app_with("output_limit", output_limit_tokens=11)
    for question in ("n=2", "n=20", "n=30"):
        app.ask(question)

    assert app.counted("output_limit") == {"capped": 3, "cut_short": 2}


def test_it_does_not_act_where_there_is_no_limit(app_with, provider):
    """0, which is the default."""
    told = app_with("output_limit").ask("n=20")

    assert told.text == provider.words(20) and "max_tokens" not in provider.of(told.request_id)[0].sampling
