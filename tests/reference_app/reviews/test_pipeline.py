"""Many rows at once, in order, within a window; errors of the provider are held back."""

import asyncio

import pytest

from reference_app.reviews.analyst import Told
from reference_app.reviews.output import open_output
from reference_app.reviews.pipeline import MOST_HELD, STOP_AFTER, WIDTH, ProviderDown, Writer, run
from reference_app.reviews.room import Room
from reference_app.reviews.row import Row


def rows(count):
    return iter([Row(number, f"review {number}") for number in range(1, count + 1)])


def told(row):
    return Told({"row": row.number}, worked=True)


def failed(number):
    return Told({"row": number, "error": "down"}, worked=False)


def bad(number):
    return Told({"row": number, "error": "its own fault"})


def ran(count, work, limit=5):
    """The numbers as they were written."""
    written = []
    asyncio.run(run(rows(count), work, Room(limit), lambda one: written.append(one.line["row"])))
    return written


def test_the_order_is_kept_and_the_limit_held():
    """Later rows are ready before earlier ones."""
    at_once, most = 0, 0

    async def work(row):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.001 * (row.number * 7 % 5))
        at_once -= 1
        return told(row)

    assert ran(200, work) == list(range(1, 201))
    assert most == 5


def test_behind_a_slow_row_only_a_window_goes_on():
    """So that memory stays what it is, however long one row takes."""
    begun, ahead = [], []

    async def work(row):
        begun.append(row.number)
        if row.number == 1:
            await asyncio.sleep(0.3)
            ahead.append(len(begun))
        return told(row)

    assert ran(500, work, limit=5) == list(range(1, 501))
    assert ahead == [WIDTH * 5]


def test_a_cancellation_ends_all_that_has_begun():
    """No task is left behind."""
    ended = []

    async def work(row):
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(row.number)
        return told(row)

    async def cancelled():
        task = asyncio.create_task(run(rows(100), work, Room(7), lambda _: None))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(asyncio.all_tasks())

    assert asyncio.run(cancelled()) == 1 and sorted(ended) == list(range(1, 8))


@pytest.fixture
def output(tmp_path):
    made = open_output(tmp_path / "out.jsonl", {"input": "x"})
    yield made
    made.close()


def test_errors_of_the_provider_are_written_once_it_works(output):
    """In their places, and bad rows among them too."""
    write = Writer(output)
    for number in range(1, 5):
        write(failed(number))
    write(bad(5))
    assert output.done == 0
    write(told(Row(6)))
    assert (output.done, output.failed) == (6, 5)


def test_a_provider_that_is_down_leaves_no_rows(output):
    """They are asked about again when the work goes on; rows that are bad by themselves do not hide it."""
    write = Writer(output)
    write(told(Row(1)))
    write(bad(2))
    with pytest.raises(ProviderDown, match="down"):
        for number in range(3, 3 + 2 * STOP_AFTER):
            write(failed(number) if number % 2 else bad(number))
    assert (output.done, output.failed) == (2, 1)


def test_bad_rows_are_not_held_back_for_ever(output):
    """A million of them after one error of the provider: memory stays what it is."""
    write = Writer(output)
    write(failed(1))
    for number in range(2, MOST_HELD + 10):
        write(bad(number))
    assert output.done == output.failed == MOST_HELD + 9


def test_at_the_end_errors_of_the_provider_are_written(output):
    """Once: nobody can tell whether it would work again."""
    write = Writer(output)
    write(told(Row(1)))
    write(failed(2))
    write.end()
    write.end()
    assert (output.done, output.failed) == (2, 1)


def test_at_the_end_of_a_short_file_that_never_worked_nothing_is(output):
    """A wrong key does not make a finished file."""
    write = Writer(output)
    write(bad(1))
    write(failed(2))
    with pytest.raises(ProviderDown, match="down"):
        write.end()
    assert (output.done, output.failed) == (1, 1)
