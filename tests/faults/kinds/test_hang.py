"""Answers that are kept back."""

from math import inf

from faults.actions import Pause, subject_of
from faults.kinds.hang import hang


def test_hang():
    assert list(hang({})) == [Pause(inf)]
    assert list(hang({}, 30.0)) == [Pause(30.0)]
    assert subject_of(hang) == "headers", "the provider has been asked"
