"""The names of the features, as APP_FEATURES tells them."""

import pytest

from reference_app import features


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("all", ("deadline", "cache", "stall_watchdog", "stream_recovery", "retry")),
        ("none", ()),
        ("retry, cache", ("cache", "retry")),
        ("all,-cache", ("deadline", "stall_watchdog", "stream_recovery", "retry")),
        ("-cache", ("deadline", "stall_watchdog", "stream_recovery", "retry")),
        ("all,-cache,cache", ("deadline", "cache", "stall_watchdog", "stream_recovery", "retry")),
    ],
)
def test_features_are_named_in_any_order_and_run_in_one(text, names):
    assert features.parse(text) == names


@pytest.mark.parametrize("text", ["", ",", "retries", "all,-cash"])
def test_an_unknown_feature_is_told(text):
    with pytest.raises(ValueError, match="Known: all, none, deadline"):
        features.parse(text)
