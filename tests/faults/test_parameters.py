"""Parameters of kinds that nobody has written yet."""

from typing import Annotated

import pytest

from faults.parameters import is_range, read_parameters
from records.strict import Table


def odd(message, anything, share: Annotated[float, 0, 1] = 0.5, name: str | None = None, texts: dict[str, str] | None = None):
    yield message.data


def read(**values):
    table = Table("f", values, problems := [])
    return read_parameters(odd, table), problems


def test_what_is_annotated_is_checked_and_the_rest_is_not():
    assert read(anything="x", share=1) == ({"anything": "x", "share": 1.0}, [])
    assert read(anything=[1, 2], share=[0, 1], texts={"a": "b"})[0] == {
        "anything": [1, 2],
        "share": [0.0, 1.0],
        "texts": {"a": "b"},
    }
    assert read(share=2, name=3)[1] == [
        "f.anything: is missing, odd needs it", "f.share: must be between 0 and 1, got 2", "f.name: must be a text, got 3"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "yes"), [([1, 2], True), ([False, True], True), ([1], False), (["a", "b"], False), (3, False)]
)
def test_ranges(value, yes):
    assert is_range(value) is yes
