"""Parameters of kinds that nobody has written yet."""

from math import inf
from typing import Annotated, get_type_hints

import pytest

from faults.kinds import KINDS
from faults.parameters import ENTRY, in_words, is_range, read_parameters
from faults.reading import parse_plan
from records.bad_input import BadInput
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


def test_what_an_annotation_allows_can_be_told():
    hints = get_type_hints(odd, include_extras=True)

    assert [in_words(hints.get(name)) for name in ("anything", "share", "name", "texts")] == [
        "anything",
        "a number, between 0 and 1",
        "a text",
        "a table of texts",
    ]
    assert in_words(Annotated[int, 3, inf]) == "a whole number, at least 3"


def test_names_that_a_kind_cannot_use_are_the_keys_of_every_entry():
    with pytest.raises(BadInput) as told:
        parse_plan('[[fault]]\nname = "x"\nkind = "drop"\nrest = 1', "my.toml", KINDS)

    known = told.value.problems[0].rpartition("Known: ")[2].split(", ")
    assert set(known) - {"reset"} == ENTRY
