"""load_shedding: who would wait until it is too late is told so at once."""

import asyncio

from tests.reference_app.capacity import Limited, app_before, p95


async def _overload(tmp_path, features, every_s=0.02, count=100):
    """Two at once, 0.1 s each: 20 a second can be answered, and 50 a second come."""
    provider = Limited(service_s=0.1)
    async with app_before(provider, tmp_path, features, concurrency=2, deadline_s=1.0) as app:
        asking = []
        for _ in range(count):
            asking.append(asyncio.create_task(app.ask()))
            await asyncio.sleep(every_s)
        told = await asyncio.gather(*asking)
        if "load_shedding" in features:
            assert app.counted("load_shedding") == {"refused": sum(one.status == 503 for one in told)}
        return told, provider


def test_under_overload_more_are_answered_in_time(tmp_path):
    """Wins: answered in time, and how long the answered waited."""
    on, _ = asyncio.run(_overload(tmp_path, "deadline,load_shedding,concurrency_limit"))
    off, _ = asyncio.run(_overload(tmp_path, "deadline,concurrency_limit"))
    good = [sum(one.status == 200 for one in told) for told in (on, off)]
    slow = [p95([one.took_s for one in told]) for told in (on, off)]
    print(
        f"50/s on 20/s, 1 s: answered {good[0]} of 100, P95 {slow[0]:.2f} s; without load_shedding {good[1]}, {slow[1]:.2f} s"
    )
    refused = [one for one in on if one.status == 503]
    assert refused and all(int(one.headers["retry-after"]) >= 1 for one in refused)
    assert max(one.took_s for one in refused) < 0.5
    assert good[0] >= good[1]
    assert slow[0] < slow[1]


def test_below_the_limit_nobody_is_refused(tmp_path):
    told, _ = asyncio.run(_overload(tmp_path, "deadline,load_shedding,concurrency_limit", every_s=0.08, count=20))
    assert {one.status for one in told} == {200}


def test_without_a_limit_there_is_no_line_to_look_at(tmp_path):
    told, _ = asyncio.run(_overload(tmp_path, "load_shedding", every_s=0, count=40))
    assert {one.status for one in told} == {200}
