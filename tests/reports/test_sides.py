"""Two arms over the requests they share."""

from types import SimpleNamespace

import numpy as np

from reports.compare import compare
from reports.metrics import BY_NAME
from reports.sides import Sides, one_pair, only


def of_sizes(rows: SimpleNamespace, name: str, sizes: list[int], **more):
    """An arm whose pairs have so many requests."""
    requests = [rows.a_request(100 * at + n, pair=at + 1) for at, size in enumerate(sizes) for n in range(size)]
    return rows.an_arm(requests, name=name, **more)


def test_values_come_request_by_request_whatever_the_order_of_the_rows(rows: SimpleNamespace):
    """Rows come as requests finish, which each arm does in its own order."""
    first = rows.an_arm([rows.a_request(n, status=200 + n) for n in (3, 1, 2)])
    second = rows.an_arm([rows.a_request(n, status=300 + n) for n in (4, 2, 3)])
    sides = Sides(first, second)
    left, right = sides.columns(lambda table: table["status"].to_numpy())

    assert (left.tolist(), right.tolist()) == ([203, 202], [303, 302])
    assert sides.count == 2
    assert second.rows.index[sides.alone].tolist() == ["p01-000004"]


def test_a_pair_that_was_stopped_midway_does_not_stand_beside_the_others(rows: SimpleNamespace):
    sides = Sides(of_sizes(rows, "off", [40] * 6 + [19]), of_sizes(rows, "on", [40] * 7))

    assert sides.counted.tolist() == [True] * 6 + [False]
    assert next(one for one in compare(*sides.arms, seed=1).differences if one.metric == "p95_s").pairs == 6


def test_what_belongs_to_a_request_stays_with_it_and_all_else_goes(rows: SimpleNamespace):
    cut = [{"name": "cut", "kind": "cut"}]
    calls = [rows.a_call("p01-000001", faults=cut), rows.a_call("p01-000002", faults=cut), rows.a_call("p01-000002", 2)]
    arm = rows.an_arm([rows.a_request(n, gaps_us=[n, n + 10]) for n in (1, 2, 3)], calls)
    found = only(arm, np.array([2, 1]))

    assert found.rows.index.tolist() == ["p01-000002", "p01-000003"]
    assert found.gaps.us.tolist() == [2, 12, 3, 13]
    assert found.strikes["at"].tolist() == [0]
    assert found.attempts[["at", "attempt"]].to_numpy().tolist() == [[0, 1], [0, 2]]
    assert only(arm, np.array([0, 1, 2])) is arm


def test_one_pair_has_only_its_own_changes(rows: SimpleNamespace):
    arm = of_sizes(rows, "off", [2, 2], changes=[rows.a_change(5, "off")])

    assert len(one_pair(arm, np.array([0, 1])).changes) == 1
    assert one_pair(arm, np.array([2, 3])).changes == ()


def test_arms_that_share_nothing_have_nothing_to_compare(rows: SimpleNamespace):
    sides = Sides(rows.an_arm([rows.a_request(1)]), rows.an_arm([rows.a_request(2)]))

    assert (sides.count, sides.counted.tolist()) == (0, [])
    assert sides.values([BY_NAME["p95_s"]]) == [(None, None)]
