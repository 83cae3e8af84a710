"""Arguments fit their schema, as pydantic sees it, and are the same for the same key."""

from enum import Enum
from typing import Any, Literal, Optional
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

from model_server.arguments import VALUES, fitting

SPOKEN = (
    "type enum const properties required items prefixItems minItems maxItems minLength maxLength format minimum maximum "
    "exclusiveMinimum exclusiveMaximum multipleOf $ref anyOf oneOf allOf"
)


class Unit(Enum):
    celsius = "celsius"
    fahrenheit = "fahrenheit"


class Place(BaseModel):
    city: str = Field(min_length=3, max_length=40)
    unit: Unit
    nearby: Optional["Place"] = None


class Trip(BaseModel):
    places: list[Place] = Field(min_length=2, max_length=5)
    days: int = Field(ge=1, le=14)
    budget: float = Field(gt=0, lt=1000)
    mode: Literal["train", "boat"]
    ticket: UUID
    span: tuple[int, str]
    night: bool | None
    seats: int | str
    note: str = "none"


@settings(deadline=None)  # a busy machine is no failure
@given(key=st.text())
def test_what_a_real_tool_asks_for(key: str):
    """$defs, enum, const, anyOf, bounds, formats and tuples; what is not required is left out."""
    told = fitting(Trip.model_json_schema(), key)

    Trip.model_validate(told)
    assert told == fitting(Trip.model_json_schema(), key)
    assert "note" not in told


@settings(deadline=None)  # a busy machine is no failure
@given(low=st.integers(-1000, 1000), span=st.integers(0, 50), step=st.sampled_from([None, 1, 2, 5]), strict=st.booleans())
def test_whole_numbers_keep_to_their_bounds(low: int, span: int, step: int | None, strict: bool):
    high = low + span + 2 * (step or 1)  # so that there is a number
    bounds: dict[str, Any] = {"gt": low - 1, "lt": high + 1} if strict else {"ge": low, "le": high}
    model = create_model("Model", count=(int, Field(multiple_of=step, **bounds)))

    model.model_validate(fitting(model.model_json_schema(), "k"))


@settings(deadline=None)  # a busy machine is no failure
@given(low=st.floats(-1e6, 1e6), span=st.floats(0.01, 1e6))
def test_numbers_keep_off_bounds_that_are_excluded(low: float, span: float):
    model = create_model("Model", share=(float, Field(gt=low, lt=low + span)), more=(float, Field(ge=low)))

    model.model_validate(fitting(model.model_json_schema(), "k"))


def test_another_key_gets_other_values():
    assert len({fitting(Place.model_json_schema(), str(key))["city"] for key in range(20)}) > 5


def test_an_object_is_told_whatever_the_schema_is():
    for odd in ({}, [], None, {"type": "string"}, {"properties": 1, "required": 1}, {"required": [1, None]}):
        assert fitting(odd, "k") == {}
    assert set(fitting({"required": ["a"], "properties": {"a": True}}, "k")) == {"a"}


@pytest.mark.parametrize(
    "demand",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#/properties/a"}]},
        {"type": "array", "minItems": 10**9},
        {"type": "array", "minItems": 99, "items": {"type": "array", "minItems": 99}},
        {"type": "string", "minLength": 10**9},
        {"type": "integer", "minimum": 1e300},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "integer", "minimum": 1, "multipleOf": 1e-300},
    ],
)
def test_a_schema_that_demands_too_much_is_refused(demand: dict[str, Any]):
    with pytest.raises(ValueError, match="its schema demands"):
        fitting({"type": "object", "properties": {"a": demand}, "required": ["a"]}, "k")


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.sampled_from(["object", "array", "integer", "number", "#"]),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(SPOKEN.split()) | st.text(max_size=3), inner),
    )
)
def test_no_schema_is_too_odd(schema: object):
    """Whatever JSON stands where a schema should: an object, or a refusal in words."""
    try:
        assert isinstance(fitting({"type": "object", "properties": {"a": schema}, "required": ["a"]}, "k"), dict)
    except ValueError as refused:
        assert str(refused).startswith("its schema demands")


def test_as_many_values_as_are_allowed():
    names = [str(number) for number in range(VALUES)]

    assert list(fitting({"required": names}, "k")) == names
