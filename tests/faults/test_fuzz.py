"""Whatever a plan says, and however a body is cut: no crash, no hang, and what no fault touches stays as it is."""

import asyncio
import json
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import httpx
import pytest
import scipy.special  # noqa: F401  # its import is not what is measured
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faults.actions import Request, subject_of
from faults.kinds import KINDS
from faults.plan import Plan
from faults.reading import parse_plan, read_plan
from faults.transport import AsyncTransport
from records.bad_input import BadInput
from tests.faults.provider import answer
from tests.faults.virtual import VirtualLoop

# The same examples every time: what fails here fails everywhere, and takes as long.
bounded = settings(max_examples=2000, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))

# Plans

PLANS = sorted(Path("faults/plans").glob("*.toml"))
ENTRIES = [entry for path in PLANS for entry in path.read_text().split("\n[[fault]]\n")[1:]]
WORDS = sorted({word for entry in ENTRIES for word in entry.split() if word.isidentifier()} | {kind.__name__ for kind in KINDS})
ODD = st.sampled_from(
    [
        "-1",
        "0",
        "1e999",
        "nan",
        "inf",
        "-inf",
        "9" * 400,
        "9" * 5000,
        '""',
        '"\\u0000"',
        "[]",
        "{}",
        "[[]]",
        "[1, 0]",
        "[nan, 1]",
    ]
    + [
        "[1, true]",
        "[inf, inf]",
        "[1, 2, 3]",
        "2020-01-01",
        "07:32:00",
        "0x7f",
        "1_0",
        "'''a\nb'''",
        '["/api/*", 3]',
        "{ a = 1 }",
    ]
    + [
        "[" * 300 + "]" * 300,
        "[" * 3000,
        '"' + "x" * 20_000 + '"',
        '"[!-"',
        "[[1, 2], [3]]",
        '{ x-fault = ["a"] }',
        "[-1e300, 1e300]",
    ]
    + [f'"{word}"' for word in WORDS[:40]]
)
KEYS = st.sampled_from(
    [*WORDS, "share", "routes", "during", "burst", "clusters", "at_least", "halt_if", "stop_after_s", "seed"]
)


@st.composite
def plans(draw):
    """Entries of our plans, put together anew, with some lines lost, doubled, altered or swapped."""
    lines = ["seed = 7"]
    for n, entry in enumerate(draw(st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=3))):
        lines += ["[[fault]]", *entry.replace('name = "', f'name = "{n} ').split("\n")]
    for how in draw(st.lists(st.integers(0, 8), max_size=draw(st.sampled_from([0, 1, 1, 2, 6])))):
        at = draw(st.integers(1, len(lines) - 1))
        match how:
            case 0:
                lines.insert(at, f"{draw(KEYS)} = {draw(ODD)}")
            case 1 | 2:
                lines[at] = f"{lines[at].split('=')[0]} = {draw(ODD)}"
            case 3:
                lines[at] = f"{draw(KEYS)} = {lines[at].split('=')[-1]}"
            case 4:
                lines.insert(at, lines[draw(st.integers(0, len(lines) - 1))])
            case 5:
                lines.insert(at, draw(st.sampled_from(["[fault]", "[[fault]]", "[[fault.headers]]", "[fault.burst]", "["])))
            case 6:
                lines[at] = draw(st.text(max_size=30))
            case _:
                del lines[at : at + (len(lines) > 2)]
    return "\n".join(lines)


@bounded
@given(st.one_of(plans(), plans(), plans(), st.text(max_size=200)))
def test_any_text_is_a_plan_or_bad_input(text):
    """Told in sentences that can be read, soon; and what is a plan can be followed."""
    began_s = time.process_time()
    try:
        plan = parse_plan(text, "fuzz.toml", KINDS)
    except BadInput as error:
        assert error.problems and all(problem.startswith("fuzz.toml") and len(problem) < 3000 for problem in error.problems)
    else:
        for n in range(3):
            request = Request(
                f"p01-{n}", attempt=n + 1, at_s=n * 40.0, path="/api/chat", model="m", headers={"x-fault": "stall"}
            )
            assert all(fault in plan.faults or fault.params for fault in plan.decide(request))
        assert len(plan.digest) == 8
    assert time.process_time() - began_s < 0.5


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 3000], ids=["a number of 5,000 digits", "3,000 lists in one another"])
def test_what_toml_cannot_read_is_bad_input(value):
    with pytest.raises(BadInput, match=r"^fuzz.toml: not readable as TOML: "):
        parse_plan(f"seed = {value}", "fuzz.toml", KINDS)


# Bodies

GALLERY = read_plan("faults/plans/gallery.toml")
FAULTS = [fault for fault in GALLERY.faults if subject_of(fault.kind) != "request"]
SORTS = {
    "sse": (b"text/event-stream", "/v1/chat/completions"),
    "ndjson": (b"application/x-ndjson", "/api/chat"),
    "json": (b"application/json; charset=utf-8", "/v1/chat/completions"),
}
ENDS = {"sse": [b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r\n"], "ndjson": [b"\n", b"\r\n"], "json": [b""]}
STRANGE = [
    b"null",
    b"{}",
    b"[]",
    b"3",
    b'"x"',
    b'{"choices": 5}',
    b'{"choices": [{}]}',
    b'{"message": []}',
    b'{"done": true}',
    b"[DONE]",
]
STRANGE += [
    b'{"choices": [{"delta": null}]}',
    b'{"choices": [{"delta": {"tool_calls": [{}]}}]}',
    b'{"message": {"tool_calls": 1}}',
    b"{",
]
STRANGE += ["wörd €𝄞".encode(), "wörd €𝄞".encode()[:-2], b"\xff\xfe\x00", b": ping", b"event: ping", b"data:x\rdata: y", b""]


@cache
def usual(sort, tools):
    """The messages of an answer, without their ends."""
    asked = {"stream": sort != "json", "tools": [1] * tools}
    return [piece.strip() for piece in answer(SORTS[sort][1], json.dumps(asked).encode()).pieces]


@st.composite
def bodies(draw):
    """What it is said to be, and the body: an answer or a part of it, strange messages in it, ended in one way or several."""
    sort = draw(st.sampled_from(["sse", "ndjson", "json", "ndjson", "sse"]))
    framed = (lambda line: b"data: " + line) if sort == "sse" and draw(st.booleans()) else (lambda line: line)
    said = usual(sort, draw(st.booleans()))[draw(st.sampled_from([0, 0, 1, 3, 9])) :]
    for at, strange in draw(
        st.lists(st.tuples(st.integers(0, 9), st.sampled_from(STRANGE) | st.binary(max_size=12)), max_size=3)
    ):
        said.insert(at, framed(strange))
    end = draw(st.sampled_from(ENDS[sort]))
    mixed = draw(st.lists(st.sampled_from(ENDS[sort]), min_size=len(said), max_size=len(said))) if draw(st.booleans()) else []
    body = b"".join(one + (mixed[n] if mixed else end) for n, one in enumerate(said))
    return sort, body[: draw(st.integers(0, len(body)))] if draw(st.booleans()) else body


def cut(body, places):
    """In pieces, none of them empty."""
    ends = sorted({place % len(body) for place in places} - {0}) if body else []
    return [body[a:b] for a, b in zip([0, *ends], [*ends, len(body)], strict=True) if a < b]


class Pieces(httpx.AsyncBaseTransport, httpx.AsyncByteStream):
    """A provider that answers with these TCP reads."""

    def __init__(self, sort, pieces):
        self.headers, self.pieces = {"content-type": SORTS[sort][0].decode()}, pieces

    async def handle_async_request(self, request):
        return httpx.Response(200, headers=self.headers, stream=self)

    async def __aiter__(self):
        for piece in self.pieces:
            yield piece


def some_faults():
    """Mostly one."""
    one = st.integers(0, 10**6).map(lambda n: FAULTS[n % len(FAULTS)])  # hypothesis likes the first of a list too much
    return st.one_of(one.map(lambda fault: [fault]), st.lists(one, max_size=2, unique_by=lambda fault: fault.name))


LOOP = VirtualLoop()
FOR_EVER_S = 20.0


def played(sort, faults, pieces):
    """Bytes, end and strikes, as a client that bears 5 s of silence, and 20 s of anything, sees them; in virtual time."""
    transport = AsyncTransport(Plan(tuple(faults), seed=7), Pieces(sort, pieces))
    url, got = f"http://m{SORTS[sort][1]}", []

    async def call():
        timeout, headers = httpx.Timeout(5), {"x-fault": " ".join(fault.name for fault in faults)}
        client = httpx.AsyncClient(transport=transport, timeout=timeout, trust_env=False)
        try:
            async with (
                asyncio.timeout(FOR_EVER_S),
                client.stream("POST", url, content=b'{"model": "m"}', headers=headers) as response,
            ):
                async for data in response.aiter_raw():
                    got.append(data)
        except (httpx.HTTPError, TimeoutError) as error:
            return type(error)
        return None

    end = LOOP.run_until_complete(call())
    assert not transport.weather.open
    (row,) = transport.weather.rows
    assert not [struck for struck in row["struck"] if "bug" in struck]
    struck = [(one["fault"], one["message"], one["byte"]) for one in row["struck"]]
    return b"".join(got), end, struck, row["missed"], row["bytes"]


PLACES = st.lists(st.integers(0, 10_000), max_size=12)


@bounded
@given(bodies(), some_faults(), PLACES, PLACES)
def test_however_tcp_cuts_a_body_the_same_comes_of_it(told, faults, some, others):
    """Message by message, whatever the messages are; and byte by byte where nothing struck."""
    sort, body = told
    meant = [replace(fault, headers={"x-fault": f"*{fault.name}*"}) for fault in faults]
    one = played(sort, meant, cut(body, some))

    assert one == played(sort, meant, cut(body, others))
    if not one[2]:
        assert one[:2] == (body, None)
