"""Kinds that strike a stream, through real mitmdump: what an app sees, and when; each with real providers' messages."""

import asyncio
import itertools
import json
import sys
import time
from pathlib import Path

import httpx
import ollama
import openai
import pytest

from faults import plans
from tests.faults.wires import SAID, TEXTS

GALLERY = Path(next(iter(plans.__path__))) / "gallery.toml"
BOTH = ["/api/chat", "/v1/chat/completions"]
KEEP_ALIVE = {"/api/chat": b'"content":""},"done":false}\n', "/v1/chat/completions": b": ping\n\n"}
"""How each ends."""
NUMBER = itertools.count()


@pytest.fixture(scope="module")
def rows_file(tmp_path_factory):
    return tmp_path_factory.mktemp("streams") / "calls.jsonl"


@pytest.fixture(scope="module")
def proxy(run, upstream, rows_file):
    return run(sys.executable, "-m", "faults", "--upstream", upstream.url, "--plan", GALLERY, "--rows", rows_file)


@pytest.fixture
def tell(proxy, get):
    """tell(path, fault, …): one call of a client that waits at most half a second for the next byte, and one after it."""

    async def both(path, fault, headers):
        async with httpx.AsyncClient(timeout=httpx.Timeout(10, read=0.45)) as client:
            id_ = f"{fault}-{next(NUMBER)}"
            got = await get(client, proxy.url + path, id_, fault, **{"x_shape": "said", "x_gap_s": 0.02, **headers})
            after = await get(client, proxy.url + path, f"{id_}-after", x_shape="said")
        assert after.error is None and after.body == b"".join(SAID["said"][path])
        return id_, got

    return lambda path, fault, **headers: asyncio.run(both(path, fault, headers))


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize(("fault", "whole"), [("silent-truncation", False), ("no-end-is-told", True)])
def test_a_silent_truncation_is_a_good_end_for_http(tell, row, seen, path, fault, whole):
    """The client's connection can be used again; a provider that still talks is hung up on."""
    id_, got = tell(path, fault, x_gap_s=0.1)

    messages = SAID["said"][path]
    end = {"/api/chat": 4, "/v1/chat/completions": 5}[path] if whole else 3
    assert (got.status, got.error, got.body) == (200, None, b"".join(messages[:end]))
    told = row(id_)
    assert (told["struck"][0]["kind"], told["struck"][0]["byte"], told["bytes"]) == ("silent_truncation", *[len(got.body)] * 2)
    deadline = time.monotonic() + 5
    while not seen(id_)["left"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert seen(id_)["left"]


@pytest.mark.parametrize("path", BOTH)
def test_a_masked_stall_escapes_a_read_timeout(tell, path):
    """Something comes every 0.1 s and the client waits 0.45 s for it, though for 0.6 s nothing is said."""
    _, got = tell(path, "masked-stall")

    messages = SAID["said"][path]
    before, behind = b"".join(messages[:3]), b"".join(messages[3:])
    kept_alive = got.body.removeprefix(before).removesuffix(behind)
    assert got.error is None and got.body == before + kept_alive + behind
    assert kept_alive.count(KEEP_ALIVE[path]) in (6, 7) and kept_alive.endswith(KEEP_ALIVE[path])
    assert got.arrivals[-1][0] > 0.6 and max(got.gaps_s) < 0.45


@pytest.mark.parametrize("path", BOTH)
def test_a_stall_does_not(tell, path):
    _, got = tell(path, "stall")

    assert isinstance(got.error, httpx.ReadTimeout) and got.body == b"".join(SAID["said"][path][:3])


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("shape", ["said", "said-json"])
def test_a_response_lingers_after_all_was_said(tell, row, path, shape):
    """Whoever waits for its end runs into the timeout, and could have known better."""
    id_, got = tell(path, "linger", x_shape=shape)

    assert isinstance(got.error, httpx.ReadTimeout) and got.body == b"".join(SAID[shape][path])
    assert row(id_)["struck"][0]["fault"] == "linger"


@pytest.mark.parametrize("path", BOTH)
def test_who_buffers_delivers_all_at_once(tell, path):
    """The first token comes with the last."""
    _, got = tell(path, "buffered", x_gap_s=0.04)

    assert got.error is None and got.body == b"".join(SAID["said"][path])
    assert got.arrivals[0][0] > 0.04 * (len(SAID["said"][path]) - 1) and sum(got.gaps_s) < 0.05


@pytest.mark.parametrize("path", BOTH)
def test_frames_are_split_between_reads(tell, path):
    """Each piece arrives by itself; some begin inside a character."""
    _, got = tell(path, "split-frames", x_gap_s=0)

    messages = SAID["said"][path]
    assert got.error is None and got.body == b"".join(messages)
    ends = list(itertools.accumulate(size for _, size in got.arrivals))
    assert len(ends) > 3 * len(messages)
    assert any(0x80 <= got.body[end] < 0xC0 for end in ends[:-1])


@pytest.mark.parametrize("path", BOTH)
def test_every_message_drips(tell, path):
    _, got = tell(path, "slow-drip", x_gap_s=0)

    assert got.error is None and len(got.arrivals) == len(SAID["said"][path])
    assert min(got.gaps_s) > 0.03 and got.arrivals[0][0] > 0.05


@pytest.mark.parametrize("path", BOTH)
def test_a_wrong_label_changes_nothing_else(tell, path):
    _, got = tell(path, "wrong-content-type")

    assert (got.headers["content-type"], got.body) == ("text/html", b"".join(SAID["said"][path]))


def test_what_one_call_remembers_no_other_does(proxy, get):
    """Twenty at once, half of them reordered and half of them held back."""

    async def twenty():
        async with httpx.AsyncClient(timeout=10) as client:
            told = [("reordered", "buffered")[n % 2] for n in range(20)]
            url = proxy.url + "/api/chat"
            return await asyncio.gather(*(get(client, url, f"many-{n}", f, x_gap_s=0.01) for n, f in enumerate(told)))

    for n, got in enumerate(asyncio.run(twenty())):
        assert got.error is None
        order = [message["n"] for message in got.messages]
        assert order == ([0, 1, 2, 4, 3, 5, 6, 7, 8, 9] if n % 2 == 0 else list(range(10)))


def ask_openai(proxy, fault, shape="said"):
    """What OpenAI's own client makes of it: text, finish_reason, arguments of tool calls."""
    headers = {"x-fault": fault, "x-shape": shape, "x-request-id": f"{fault}-{next(NUMBER)}"}
    client = openai.OpenAI(base_url=proxy.url + "/v1", api_key="k", max_retries=0, timeout=5)
    text, reason, arguments = "", None, ""
    with client.chat.completions.create(model="m", messages=[], stream=True, extra_headers=headers) as stream:
        for chunk in stream:
            for choice in chunk.choices or ():
                text, reason = text + (choice.delta.content or ""), choice.finish_reason or reason
                arguments += "".join(call.function.arguments or "" for call in choice.delta.tool_calls or ())
    return text, reason, arguments


def ask_ollama(proxy, fault, shape="said"):
    """The same by Ollama's own client."""
    headers = {"x-fault": fault, "x-shape": shape, "x-request-id": f"{fault}-{next(NUMBER)}"}
    text, reason, calls = "", None, []
    for part in ollama.Client(proxy.url, headers=headers, timeout=5).chat("m", [], stream=True):
        text, reason = text + part.message.content, part.done_reason or reason
        calls += part.message.tool_calls or ()
    return text, reason, calls


ALL = "".join(TEXTS)


def test_openais_client_reads_our_frames(proxy):
    """All frames that we make are such as it knows."""
    assert ask_openai(proxy, "none") == (ALL, "stop", "")
    assert ask_openai(proxy, "content-filter") == ("".join(TEXTS[:2]), "content_filter", "")
    assert ask_openai(proxy, "no-end-is-told") == (ALL, None, "")
    assert ask_openai(proxy, "masked-stall") == ask_openai(proxy, "empty-choices") == (ALL, "stop", "")
    text, reason, arguments = ask_openai(proxy, "truncated-tool-call", "said-call")
    assert (text, reason, arguments) == ("", "tool_calls", '{"city":')
    with pytest.raises(json.JSONDecodeError):
        json.loads(arguments)
    assert ask_openai(proxy, "none", "said-call")[2] == '{"city":"Köln","n":2}'
    with pytest.raises(openai.APIError, match="You exceeded your current quota") as spent:
        ask_openai(proxy, "quota-spent-in-a-stream")
    assert (spent.value.code, spent.value.type) == ("insufficient_quota", "insufficient_quota")


def test_ollamas_client_reads_our_lines(proxy):
    assert ask_ollama(proxy, "none") == (ALL, "stop", [])
    assert ask_ollama(proxy, "content-filter") == ("".join(TEXTS[:3]), "content_filter", [])
    assert ask_ollama(proxy, "masked-stall") == (ALL, "stop", [])
    assert ask_ollama(proxy, "no-end-is-told") == (ALL, None, [])
    assert ask_ollama(proxy, "truncated-tool-call", "said-call") == ('{"name":"f","arguments":{"city":', "stop", [])
    with pytest.raises(ollama.ResponseError, match="unexpected EOF"):
        ask_ollama(proxy, "runner-death")
