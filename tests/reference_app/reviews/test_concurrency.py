"""Claims D1 and D2: many at once beside one after the other, and a concurrency that follows the provider beside a fixed one."""

import asyncio
import time
from dataclasses import dataclass

import pytest
from langchain_ollama import ChatOllama

from reference_app.reviews.analysis import parse, question_about
from reference_app.reviews.analyst import Analyst
from reference_app.reviews.asking import asking
from reference_app.reviews.job import Job
from reference_app.reviews.pipeline import run
from reference_app.reviews.room import AdaptiveRoom, Room
from reference_app.reviews.row import Row
from reference_app.reviews.source import source_of
from reference_app.settings import Settings
from tests.reference_app.capacity import Limited
from tests.reference_app.reviews.conftest import lines
from tests.reference_app.reviews.memory import ANSWER


def synchronous_s(provider, count, slow):
    """The ordinary loop: LangChain's own model, one review after the other."""
    model = ChatOllama(model="llama3.1", base_url=provider.url)
    began = time.monotonic()
    for number in range(count):
        assert parse(str(model.invoke(question_about(f"review {number} slow={slow}")).text)).score == 0.75
    return time.monotonic() - began


def asynchronous_s(provider, folder, count, slow, concurrency):
    source, out = folder / f"{count}.txt", folder / f"{count}.jsonl"
    source.write_text(lines(count, lambda _: f"slow={slow}"))
    settings = Settings(provider_url=provider.url, features="all")
    began = time.monotonic()
    assert asyncio.run(Job(source_of(source), out, settings, concurrency).run()) == 0
    return time.monotonic() - began


@pytest.mark.timeout(600)
def test_many_at_once_beat_one_after_the_other(analysing, tmp_path):
    """Claim D1: ×5.3 at 100 rows, ×6.4 at 1,000. Here with calls of 0.05 s, 20 at once, all features on."""
    slow, told = 0.05, {}
    for count in (100, 1000):
        # A loop takes ten times as long for ten times as many rows; it is run for a hundred of them.
        sync_s = synchronous_s(analysing, 100, slow) * count / 100
        async_s = asynchronous_s(analysing, tmp_path, count, slow, 20)
        told[count] = sync_s / async_s
        print(f"D1, {count} rows: synchronous {sync_s:.1f} s, asynchronous {async_s:.1f} s: x{told[count]:.1f}")
    assert told[100] > 1.5 and told[1000] > 1.5


@dataclass
class Run:
    took_s: float
    refused: int
    failed: int
    limits: list[int]


def through_phases(settings, room, phases, count):
    """So many rows, while the capacity of the provider changes with the share of rows that are done."""

    async def work():
        provider, told = Limited(phases[0], service_s=0.1, says=ANSWER), []
        limits = []

        def write(one):
            told.append(one)
            phase = len(told) * len(phases) // (count + 1)
            provider.capacity = phases[phase]
            if len(told) % (count // 6) == 0:
                limits.append(room.slots.limit)

        async with asking(settings, provider) as ask:
            analyst = Analyst(ask, "d2", note=room.note)
            began = asyncio.get_running_loop().time()
            rows = (Row(number, f"review {number}") for number in range(1, count + 1))
            await run(rows, analyst, room, write)
            took_s = asyncio.get_running_loop().time() - began
        return Run(took_s, provider.refused, sum("error" in one.line for one in told), limits)

    return asyncio.run(work())


@pytest.mark.timeout(600)
def test_following_the_provider_when_its_capacity_halves_and_comes_back():
    """Claim D2. Fixed at what it takes at first, and at a careful guess."""
    settings = Settings(features="retry", adaptive_start=4, adaptive_least=2, adaptive_most=24)
    phases, count = (12, 6, 12), 480
    adaptive = through_phases(settings, AdaptiveRoom(settings), phases, count)
    bold = through_phases(settings, Room(12), phases, count)
    careful = through_phases(settings, Room(4), phases, count)
    for name, one in (("adaptive from 4", adaptive), ("fixed at 12", bold), ("fixed at 4", careful)):
        print(f"D2, capacity 12, 6, 12, {count} rows, {name}: {one.took_s:.1f} s, refused {one.refused}, limits {one.limits}")
    assert adaptive.failed == bold.failed == careful.failed == 0
    assert careful.refused == 0 and adaptive.refused < bold.refused
    first, middle, last = adaptive.limits[:2], adaptive.limits[2:4], adaptive.limits[4:]
    assert max(first) > 4 and min(middle) < max(first) and max(last) > min(middle)
