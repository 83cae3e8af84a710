"""How long the model stays in memory: durations as Ollama reads them, and the clock that runs after the last use."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from model_server.keep_alive import DEFAULT_S, FOR_EVER_S, Loaded, parse_keep_alive

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Wall:
    """A clock on the wall that is set by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def after(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        (0, 0),
        (30, 30),
        (1.5, 1.5),
        (-1, FOR_EVER_S),
        ("0", 0),
        ("5m", 300),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("300ms", 0.3),
        ("-1m", FOR_EVER_S),
        (1e300, FOR_EVER_S),
        ("999999999999999h", FOR_EVER_S),
    ],
)
def test_seconds_or_a_duration(value: object, seconds: float | None):
    assert parse_keep_alive(value) == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("value", ["", "5", "m", "5 m", "1d", "５m", "soon", True, [], {}])
def test_what_is_no_duration_is_refused(value: object):
    with pytest.raises(ValueError):
        parse_keep_alive(value)


def test_it_is_loaded_by_use_and_gone_when_its_time_is_over():
    loaded = Loaded(wall := Wall())
    assert loaded.expires_at is None

    loaded.use(None)
    assert loaded.expires_at == NOON + timedelta(seconds=DEFAULT_S)

    wall.after(DEFAULT_S)
    assert loaded.expires_at is None


def test_a_wish_holds_until_the_model_is_gone():
    loaded = Loaded(wall := Wall())

    loaded.use(60)
    wall.after(30)
    loaded.use(None)
    assert loaded.expires_at == NOON + timedelta(seconds=90)

    loaded.use(0)
    assert loaded.expires_at is None
    loaded.use(None)
    assert loaded.expires_at == wall.now + timedelta(seconds=DEFAULT_S)


def test_for_ever_is_a_date():
    loaded = Loaded(Wall())
    loaded.use(FOR_EVER_S)

    assert loaded.expires_at is not None and loaded.expires_at.year == 2318


def test_the_time_runs_from_the_end_of_an_answer():
    """Also where the answer was broken off."""
    loaded = Loaded(wall := Wall())

    async def speaking(*_: Any) -> None:
        wall.after(100)
        assert loaded.expires_at == NOON + timedelta(seconds=110)
        raise asyncio.CancelledError

    async def scene() -> None:
        with pytest.raises(asyncio.CancelledError):
            await loaded.during(speaking, 10)({}, None, None)  # type: ignore[arg-type]

    asyncio.run(scene())
    assert loaded.expires_at == NOON + timedelta(seconds=110)
    wall.after(10)
    assert loaded.expires_at is None
