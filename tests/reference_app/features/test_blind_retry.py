"""blind_retry: what `retry` is compared with. It is better than nothing, and wastes calls and time on what cannot be helped."""

import pytest

BLIND = {"blind_retry_base_s": 0.1}


def test_it_cures_what_passes(app_with, provider):
    told = app_with("blind_retry", **BLIND).ask("n=3 status=503 times=2")

    assert (told.text, told.end["served_by"]) == (provider.words(3), "retry")


def test_it_is_on_only_when_named(app_with, provider):
    assert app_with("all").request_row(app_with("all").ask("n=1").request_id)["features"].count("blind_retry") == 0


@pytest.mark.parametrize("status", [400, 422])
def test_it_wastes_time_on_what_is_wrong_and_stays_wrong(app_with, provider, status):
    seconds, calls = {}, {}
    for feature in ("retry", "blind_retry"):
        told = app_with(feature, **BLIND).ask(f"n=3 status={status}")
        first, *_, last = provider.of(told.request_id) * 2
        seconds[feature], calls[feature] = last.ended_at - first.at, len(provider.of(told.request_id))
        assert told.status == status

    assert calls == {"retry": 1, "blind_retry": 3} and seconds["blind_retry"] - seconds["retry"] > 0.25
    print(f"{status}: calls {calls}, seconds", {name: round(value, 3) for name, value in seconds.items()})


def test_it_does_not_listen_to_retry_after(app_with, provider):
    told = app_with("blind_retry", **BLIND).ask("n=3 status=429 ra=1 times=2")
    first, second, _ = provider.of(told.request_id)

    assert second.at - first.ended_at < 0.9


def test_after_the_first_chunk_it_is_of_no_help(app_with, provider):
    told = app_with("blind_retry", **BLIND).ask("n=6 cut=3 how=rst times=1")

    assert told.ended == "error" and len(provider.of(told.request_id)) == 1
