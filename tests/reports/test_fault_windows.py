"""Windows: what the plan and the changes leave of them."""

from dataclasses import replace
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest

from reports.arm import Arm, Change, Window
from reports.fault_windows import Stretch, stretches


def windowed(rows: SimpleNamespace, windows: list[tuple[str, float, float | None]], changes: list[Change], *struck: str) -> Arm:
    calls = [rows.a_call("p01-000001", 1, 503, [{"name": name, "kind": "answer"} for name in struck])]
    return replace(
        rows.an_arm([rows.a_request(1)], calls), windows=tuple(Window(*one) for one in windows), changes=tuple(changes)
    )


STOP = Change(1, 35, "stop", "stop_after_s")


@pytest.mark.parametrize(
    ("windows", "changes", "told"),
    [
        ([("a", 10, 20), ("b", 15, 30), ("c", 30, 40), ("d", 50, None)], [], [("abc", 10, 40), ("d", 50, inf)]),
        ([("a", 10, 20), ("b", 30, 40)], [STOP], [("a", 10, 20), ("b", 30, 35)]),
        ([("a", 10, 20), ("b", 40, 50)], [STOP], [("a", 10, 20)]),
        ([], [STOP], [("w", 0, 35)]),  # the weather itself, ended
        ([], [Change(2, 35, "stop", "control")], []),  # of another pair
        ([], [Change(1, 5, "off", "control", "w")], [("w", 0, 5)]),
        ([], [Change(1, 5, "off", "control", "v")], [("v", 0, 5)]),
        ([], [Change(1, 20, "on", "control", "v"), Change(1, 30, "off", "control", "v")], [("v", 20, 30)]),
        ([], [Change(1, 20, "on", "control", "v"), STOP], [("v", 20, 35)]),
        ([], [STOP, Change(1, 40, "on", "control", "w")], [("w", 0, 35)]),  # stopped is stopped
        ([("a", 9, 40)], [Change(1, 15, "off", "x", "a"), Change(1, 20, "on", "x", "a")], [("a", 9, 15), ("a", 20, 40)]),
        ([("a", 9, 40)], [Change(1, 15, "off", "x", "a"), Change(1, 20, "share", "x", "a", 0.5)], [("a", 9, 15)]),
        ([("a", 10, 40)], [Change(1, 15, "share", "control", "a", 0)], [("a", 10, 15)]),
        ([("a", 10, 40)], [Change(1, 15, "share", "control", "a", 0.5)], [("a", 10, 40)]),
        ([("a", 10, 40)], [Change(1, 15, "plan", "control")], [("a", 10, 15)]),
    ],
)  # fmt: skip
def test_windows_are_what_the_plan_and_the_changes_leave(rows: SimpleNamespace, windows: Any, changes: Any, told: Any):
    """A fault without a window, here "w", is the ordinary weather."""
    found = stretches(windowed(rows, windows, changes, "w"), 1)

    assert found == [Stretch(tuple(names), low, high) for names, low, high in told]
