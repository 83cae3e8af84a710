"""The fixture, in a real pytest of its own, under real clients that ask a real server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = '''
import asyncio, os
import httpx, ollama, openai, pytest
from faults.actions import Sever
from faults.plan import Fault

URL = os.environ["PROVIDER"]
ASK = {"model": "m1", "messages": [{"role": "user", "content": "Hi"}]}
PLAN = """
[[fault]]
name = "busy once"
kind = "answer"
status = 503
attempts = 1
[[fault]]
name = "cut"
kind = "cut"
at = 3
routes = "/v1/*"
"""
shared = httpx.Client(base_url=URL)


def third_is_the_last(message, how):
    if message.index == 3: yield Sever(reset=how == "reset")
    yield message.data


def test_a_new_client(headwind_faults):
    weather = headwind_faults(PLAN)
    with httpx.Client(transport=weather.transport(), base_url=URL) as client:
        told = [client.post("/api/chat", json=ASK, headers={"x-request-id": "one"}).status_code for _ in range(2)]
    assert told == [503, 200]
    assert [row["attempt"] for row in weather.rows] == [1, 2]
    assert len(weather.struck("busy once")) == 1 and weather.struck("cut") == []


def test_a_new_async_client(headwind_faults):
    weather = headwind_faults(Fault(third_is_the_last, {"how": "reset"}), must_land=True)

    async def ask():
        async with httpx.AsyncClient(transport=weather.async_transport(), base_url=URL) as client:
            await client.post("/api/chat", json=ASK)

    with pytest.raises(httpx.ReadError):
        asyncio.run(ask())


def test_a_client_that_exists(headwind_faults):
    weather = headwind_faults("beside.toml", must_land=True)
    assert weather.apply(shared) is shared
    assert shared.post("/api/chat", json=ASK).status_code == 529


def test_it_is_as_before(headwind_faults):
    assert shared.post("/api/chat", json=ASK).status_code == 200


def test_openai(headwind_faults):
    """Its own retry meets the fault that strikes first attempts only; its stream breaks with httpx's error."""
    weather = headwind_faults(PLAN, must_land=True)
    client = weather.apply(openai.OpenAI(base_url=URL + "/v1", api_key="x"))
    words = []
    with pytest.raises(httpx.RemoteProtocolError):
        for chunk in client.chat.completions.create(**ASK, stream=True):
            words.append(chunk)
    assert len(words) == 3
    assert [(row["attempt"], row["status"]) for row in weather.rows] == [(1, 503), (2, 200)]


def test_openai_async(headwind_faults):
    weather = headwind_faults(PLAN)

    async def ask():
        async with weather.apply(openai.AsyncOpenAI(base_url=URL + "/v1", api_key="x", max_retries=0)) as client:
            await client.chat.completions.create(**ASK)

    with pytest.raises(openai.InternalServerError):
        asyncio.run(ask())


def test_ollama(headwind_faults):
    weather = headwind_faults(Fault(third_is_the_last, {"how": "close"}), must_land=True)
    client = weather.apply(ollama.Client(URL))
    words = []
    with pytest.raises(httpx.RemoteProtocolError):
        for chunk in client.chat(**ASK, stream=True):
            words.append(chunk)
    assert len(words) == 3


def test_ollama_async(headwind_faults):
    weather = headwind_faults("calm", seed=3)

    async def ask():
        return await weather.apply(ollama.AsyncClient(URL)).chat(**ASK)

    assert asyncio.run(ask()).message.content
    assert weather.plan.seed == 3 and len(weather.rows) == 1


def test_langchain(headwind_faults):
    from langchain_ollama import ChatOllama

    weather = headwind_faults(PLAN)
    with pytest.raises(ollama.ResponseError, match="server busy"):
        weather.apply(ChatOllama(model="m1", base_url=URL)).invoke("Hi")
    assert len(weather.struck("busy once")) == 1


def test_what_holds_no_client(headwind_faults):
    with pytest.raises(TypeError, match="dict is no httpx.Client"):
        headwind_faults(PLAN).apply({})


def test_a_bad_plan(headwind_faults):
    headwind_faults("[[fault]]\\nname = 'x'\\nkind = 'ct'\\nshare = 2")


def test_an_unknown_plan(headwind_faults):
    headwind_faults("claim")


def broken(request):
    yield {}["no"]


def test_a_bug(headwind_faults):
    weather = headwind_faults(Fault(broken))
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.Client(transport=weather.transport()).post(URL + "/api/chat", json=ASK)


def test_not_landed(headwind_faults):
    weather = headwind_faults(PLAN, must_land=True)
    weather.apply(shared).post("/api/chat", json=ASK)
'''
BESIDE = '[[fault]]\nname = "over"\nkind = "answer"\nstatus = 529\n'


def pytest_of_its_own(folder: Path, **environment: str) -> str:
    """What it printed; with no plugins but pytest's own and ours, and our fixture as one who installed us has it."""
    command = [sys.executable, "-m", "pytest", "-p", "faults.pytest_plugin", "-p", "no:cacheprovider", "-rA", folder]
    told = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
    )
    return told.stdout + told.stderr


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "test_app.py").write_text(SUITE)
    (tmp_path / "beside.toml").write_text(BESIDE)
    return tmp_path


def test_the_fixture(start, suite):
    """Each test of the suite ends as its name says; what was wrong is told in words."""
    url = start("model_server", "--model", "m1", "--first-token-s", 0.01, "--gap-s", 0.001).url
    told = pytest_of_its_own(suite, PROVIDER=url)

    ends = {name: end for end, name in re.findall(r"^(PASSED|FAILED) \S+::(test_\w+)", told, re.MULTILINE)}
    names = re.findall(r"^def (test_\w+)", SUITE, re.MULTILINE)
    wrong = {"test_a_bad_plan", "test_an_unknown_plan"}
    assert ends == {name: "FAILED" if name in wrong else "PASSED" for name in names}, told
    assert re.findall(r"^ERROR \S+::(test_\w+)", told, re.MULTILINE) == ["test_a_bug", "test_not_landed"]
    assert re.search(r'plan\.fault\[0\]\.kind: "ct" is not a kind\. Did you mean "cut"\?', told)
    assert re.search(r"plan\.fault\[0\]\.share: must be between 0 and 1, got 2", told)
    assert re.search(r'"claim" is not a plan\. Did you mean "calm"\?', told)
    line = SUITE.splitlines().index('    yield {}["no"]') + 1
    assert f"the fault \"broken\" has a bug: KeyError('no') at test_app.py:{line}; it severed 2 calls" in told
    assert 'headwind_faults: the fault "cut" never struck, in 1 call' in told


def test_it_costs_a_run_without_faults_next_to_nothing():
    """pytest loads it in every run."""
    code = "import sys, pytest; before = set(sys.modules); import faults.pytest_plugin; print(*set(sys.modules) - before)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)

    assert set(told.stdout.split()) == {"faults", "faults.pytest_plugin"}
