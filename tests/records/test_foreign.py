from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from records.foreign import Joins, Owner, adopt, owners
from records.rows import CallRow, GenerationRow, RequestRow


def asked(number=1, sent_s=0.0, finished_s=2.0, prompt_key="q1"):
    return asdict(RequestRow(f"p01-{number:06d}", "on", 1, "stream", prompt_key, sent_s, sent_s, finished_s=finished_s))


def called(started_s=0.1, finished_s=1.9, prompt_key="q1", id_="body-1", attempt=1, **more):
    row = CallRow(id_, attempt, "/api/chat", "m", started_s, finished_s, 200, 900, prompt_key=prompt_key)
    return asdict(row) | more


def owned(requests, calls):
    """Number of the request, attempt and how, of each call."""
    return [(int(one.request_id[4:]), one.attempt, one.how) if one else None for one in owners(requests, calls)]


def test_a_call_with_the_users_id_is_joined_by_it_whatever_its_prompt_and_time():
    assert owners([asked()], [called(9.0, id_="p01-000001", attempt=3, prompt_key="q2")]) == [Owner("p01-000001", 3, "id")]


def test_a_call_without_belongs_to_who_asked_its_prompt_and_was_under_way():
    requests = [asked(1, 0.0, 2.0, "q1"), asked(2, 0.0, 2.0, "q2")]

    assert owned(requests, [called(prompt_key="q2")]) == [(2, 1, "prompt")]
    assert owned(requests, [called(0.0)]) == owned(requests, [called(2.0)]) == [(1, 1, "prompt")]
    assert owned(requests, [called(2.1), called(prompt_key="q3"), called(prompt_key="")]) == [None, None, None]


def test_of_several_the_first_that_has_no_call_yet_and_it_is_told_as_uncertain():
    requests = [asked(1, 0.0), asked(2, 0.5), asked(3, 1.0)]

    assert owned(requests, [called(0.1), called(0.6), called(1.1)]) == [
        (1, 1, "prompt"),
        (2, 1, "uncertain"),
        (3, 1, "uncertain"),
    ]
    assert owned(requests, [called(1.3), called(1.2), called(1.1)]) == [
        (3, 1, "uncertain"),
        (2, 1, "uncertain"),
        (1, 1, "uncertain"),
    ]


def test_who_has_a_call_with_an_id_needs_none_without():
    requests = [asked(1, 0.0), asked(2, 0.5)]

    assert owned(requests, [called(0.6, id_="p01-000002"), called(0.7)]) == [(2, 1, "id"), (1, 1, "uncertain")]
    assert owned([asked()], [called(0.1, id_="p01-000001", attempt=4), called(0.5)]) == [(1, 4, "id"), (1, 5, "prompt")]


def test_a_retry_goes_to_the_request_whose_last_call_has_ended():
    requests = [asked(1, 0.0), asked(2, 0.5)]
    first = [called(0.1, 0.2), called(0.6, 1.9)]

    assert owned(requests, [*first, called(1.0)])[2] == (1, 2, "uncertain")


def test_of_those_to_the_one_with_the_same_body():
    requests = [asked(1, 0.0), asked(2, 0.5)]
    first = [called(0.1, 0.2, id_="body-a"), called(0.6, 0.7, id_="body-b")]

    assert owned(requests, [*first, called(1.0, id_="body-a", attempt=2)])[2] == (1, 2, "uncertain")
    assert owned(requests, [*first, called(1.0, id_="body-c")])[2] == (2, 2, "uncertain")


def test_calls_under_one_id_of_the_apps_own_belong_to_one_request():
    """Though another one has no call yet."""
    requests = [asked(1, 0.0), asked(2, 0.5)]
    calls = [called(0.1, 0.2, id_="uuid-7"), called(0.6, id_="uuid-7", attempt=2), called(0.7, id_="uuid-8")]

    assert owned(requests, calls) == [(1, 1, "prompt"), (1, 2, "prompt"), (2, 1, "uncertain")]


def test_a_body_that_many_asked_is_counted_within_each_request():
    """The proxy counts its attempts over all of them."""
    requests = [asked(1, 0.0, 1.0), asked(2, 5.0, 6.0)]

    assert owned(requests, [called(0.1), called(0.5, attempt=2), called(5.1, attempt=3)]) == [
        (1, 1, "prompt"),
        (1, 2, "prompt"),
        (2, 1, "prompt"),
    ]


def a_generation(id_, attempt=1):
    return asdict(GenerationRow(id_, attempt, "m", 12, 40, 0.1, 0.1, 1.9, False))


def test_generations_go_with_their_calls():
    found = adopt([asked(7)], [called(id_="body-a", attempt=3)], [a_generation("body-a", 3), a_generation("body-a", 4)])

    assert [(row["request_id"], row["attempt"]) for row in found.calls] == [("p01-000007", 1)]
    assert [(row["request_id"], row["attempt"]) for row in found.model] == [("p01-000007", 1), ("body-a", 4)]
    assert found.calls[0]["prompt_key"] == "q1" and found.how == {"p01-000007": "prompt"}


def test_joins_are_counted_and_probes_are_not():
    requests = [asked(1), asked(2, 0.5)]
    probe = called(id_="body-p", prompt_key="", path="/api/version")
    calls = [called(0.2, id_="p01-000001"), called(0.6), called(0.7, prompt_key=""), probe, called(3.0)]

    found = adopt(requests, calls, [])

    assert found.joins == Joins(by_id=1, uncertain=1, nobodys=2)
    assert found.joins + found.joins == Joins(2, 0, 2, 4)
    assert found.how == {"p01-000001": "id", "p01-000002": "uncertain"}


def test_the_least_certain_join_of_a_request_is_told():
    requests = [asked(1), asked(2, 0.5)]
    assert adopt(requests, [called(0.1), called(0.2, id_="p01-000001")], []).how == {"p01-000001": "prompt"}


def test_where_every_id_is_known_nothing_is_copied():
    calls, model = [called(id_="p01-000001")], [a_generation("p01-000001")]
    found = adopt([asked()], calls, model)

    assert found.calls is calls and found.model is model


seconds = st.integers(0, 20).map(lambda tenths: tenths / 10)
requests_drawn = st.lists(st.tuples(seconds, seconds, st.sampled_from(["q1", "q2"])), max_size=8)
calls_drawn = st.lists(
    st.tuples(seconds, seconds, st.sampled_from(["q1", "q2", ""]), st.sampled_from(["body-a", "body-b", "uuid", "p01-000000"])),
    max_size=12,
)


@given(requests_drawn, calls_drawn, st.randoms(use_true_random=False))
def test_whatever_comes_each_join_is_possible_counted_once_and_the_same_in_any_order(drawn, calling, shuffle):
    requests = [asked(number, sent, sent + took, key) for number, (sent, took, key) in enumerate(drawn)]
    calls = [called(began, began + took, key, id_, at + 1) for at, (began, took, key, id_) in enumerate(calling)]
    by_id = {row["request_id"]: row for row in requests}
    found = owners(requests, calls)

    for call, owner in zip(calls, found, strict=True):
        could = [
            row["request_id"]
            for row in requests
            if call["prompt_key"] == row["prompt_key"] and row["sent_s"] <= call["started_s"] <= row["finished_s"]
        ]
        if call["request_id"] in by_id:
            assert owner and (owner.request_id, owner.how) == (call["request_id"], "id")
        elif call["request_id"] != "uuid":
            assert (owner is None) == (not could)
            assert owner is None or (owner.request_id in could and owner.how == ("uncertain" if len(could) > 1 else "prompt"))
    attempts = [(one.request_id, one.attempt) for one in found if one and one.how != "id"]
    assert len(set(attempts)) == len(attempts)
    joins = adopt(requests, calls, []).joins
    assert joins.by_id + joins.by_prompt + joins.uncertain + joins.nobodys == len(calls)
    shuffle.shuffle(requests)
    assert owners(requests, calls) == found


def test_generations_of_one_body_and_attempt_go_by_time():
    """OpenAI's client tells its own attempt: of every user who asks the same, the first."""
    requests = [asked(1, 0.0, 2.0), asked(2, 5.0, 7.0)]
    calls = [called(0.1, 1.9), called(5.1, 5.2, status=503), called(5.5, 6.9)]
    generations = [{**a_generation("body-1"), "started_s": at_s} for at_s in (0.11, 5.51)]

    found = adopt(requests, calls, generations)

    assert [(row["request_id"][-1], row["attempt"]) for row in found.calls] == [("1", 1), ("2", 1), ("2", 2)]
    assert [(row["request_id"][-1], row["attempt"]) for row in found.model] == [("1", 1), ("2", 2)]
