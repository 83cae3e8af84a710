"""The names of the features, as APP_FEATURES tells them."""

import pytest

from reference_app import features

EVERY = set(features.FEATURES) - set(features.APART)
HABITS = set(features.HABITS)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("all", EVERY),
        ("none", HABITS),
        ("retry, cache", HABITS | {"cache", "retry"}),
        ("all,-cache", EVERY - {"cache"}),
        ("-cache", EVERY - {"cache"}),
        ("all,-cache,cache", EVERY),
        ("none,blind_retry", HABITS | {"blind_retry"}),
    ],
)
def test_features_are_named_in_any_order_and_run_in_one(text, names):
    assert features.parse(text) == tuple(name for name in features.FEATURES if name in names)
    assert set(features.APART) <= set(features.FEATURES) >= HABITS


@pytest.mark.parametrize("text", ["", ",", "retries", "all,-cash"])
def test_an_unknown_feature_is_told(text):
    with pytest.raises(ValueError, match="Known: all, none, deadline"):
        features.parse(text)
