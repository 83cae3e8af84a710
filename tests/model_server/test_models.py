"""Several models on one server: each under its name, at its own speed, with its own slots, and none for another."""

import asyncio
import threading
from typing import Any

import httpx
import pytest

from model_server.models import EMBEDDER, Models
from model_server.physics import Physics
from model_server.slots import Busy
from records.proof import check

QUESTION = "Why is the sky blue?"
TWO = ("--also", "small:1b first_token_s=0.02 slots=1")


def ask(url: str, model: str, request_id: str, path: str = "/api/chat") -> httpx.Response:
    options: dict[str, Any] = {"options": {"temperature": 0}} if path.startswith("/api") else {"temperature": 0}
    body = {"model": model, "messages": [{"role": "user", "content": QUESTION}], "stream": False, **options}
    return httpx.post(url + path, json=body, headers={"x-request-id": request_id}, timeout=20)


def text_of(answer: httpx.Response) -> str:
    told = answer.json()
    return str((told.get("message") or told["choices"][0]["message"])["content"])


@pytest.mark.parametrize("path", ["/api/chat", "/v1/chat/completions"])
def test_each_proves_its_answer_in_words_of_its_own(model: Any, path: str):
    """What proves an answer is the question; which model said it stands beside that."""
    server = model("--words", 8, *TWO)
    large, small = (ask(server.url, name, name, path) for name in ("llama3.1", "small:1b"))

    assert [check(text_of(one), QUESTION, {"temperature": 0}).outcome for one in (large, small)] == ["ok", "ok"]
    assert [one.json()["model"] for one in (large, small)] == ["llama3.1", "small:1b"]
    assert " model=small%3A1b" in text_of(small) and "model=" not in text_of(large)
    assert text_of(large).split()[3:-2] != text_of(small).split()[4:-2]
    assert text_of(ask(server.url, "small:1b", "again", path)) == text_of(small)


def test_its_row_tells_the_model_and_its_pace(model: Any):
    server = model("--words", 3, *TWO)
    for name in ("llama3.1", "small:1b"):
        ask(server.url, name, name)

    rows = [server.row(name) for name in ("llama3.1", "small:1b")]
    first = [row["first_token_s"] - row["started_s"] for row in rows]
    print(f"first token: {first[0]:.3f} s of the first, {first[1]:.3f} s of the one beside it")
    assert [row["model"] for row in rows] == ["llama3.1", "small:1b"]
    assert first[0] >= 0.1 and first[1] >= 0.02 and first[0] - first[1] > 0.03


def test_who_waits_for_a_slot_of_one_does_not_keep_another_waiting(model: Any):
    """As with OLLAMA_NUM_PARALLEL, which is each model's."""
    server = model("--words", 60, "--slots", 1, "--also", "small words=1")
    asking = [threading.Thread(target=ask, args=(server.url, "llama3.1", f"large-{number}")) for number in range(3)]
    for one in asking:
        one.start()
    assert ask(server.url, "small", "small").status_code == 200
    for one in asking:
        one.join()

    small, large = server.row("small"), [server.row(f"large-{number}") for number in range(3)]
    waited_s = max(row["started_s"] - row["queued_s"] for row in large)
    assert waited_s > 0.5 and small["started_s"] - small["queued_s"] < waited_s / 4


def test_the_queue_is_of_all_of_them():
    """As with OLLAMA_MAX_QUEUE: who waits for one model takes the place of who would wait for another. One seed, too."""
    models = Models(Physics(queue=1, slots=1, seed=5, also=(Physics(model="small", slots=1),)))
    small = models.named("small:latest")
    assert small is not None and (small.physics.queue, small.physics.seed) == (1, 5)

    async def scene() -> None:
        async with models.first.slots, small.slots:
            waiting = asyncio.create_task(models.first.slots.__aenter__())
            await asyncio.sleep(0)
            assert (models.first.slots.waiting, small.slots.waiting) == (1, 0)
            with pytest.raises(Busy):
                await small.slots.__aenter__()
        await waiting

    asyncio.run(asyncio.wait_for(scene(), 5))


def test_all_of_them_are_listed_and_others_are_unknown(model: Any):
    url = model(*TWO).url
    told = httpx.get(f"{url}/api/tags").json()["models"]

    assert [one["name"] for one in told] == ["llama3.1:latest", "small:1b", f"{EMBEDDER}:latest"]
    assert len({one["digest"] for one in told}) == 3
    assert [one["id"] for one in httpx.get(f"{url}/v1/models").json()["data"]] == ["llama3.1", "small:1b", EMBEDDER]
    assert httpx.get(f"{url}/v1/models/small:1b").json()["id"] == "small:1b"
    assert [ask(url, "small", "x", path).status_code for path in ("/api/chat", "/v1/chat/completions")] == [404, 404]


def test_only_what_was_used_is_in_memory(model: Any):
    url = model("--words", 1, *TWO).url
    ask(url, "small:1b", "x")

    assert [one["name"] for one in httpx.get(f"{url}/api/ps").json()["models"]] == ["small:1b"]


def test_one_is_there_for_embeddings_and_says_that_it_cannot_chat(shared: Any):
    """It is what the reference app asks for unless told otherwise."""
    told = httpx.post(f"{shared.url}/api/embed", json={"model": EMBEDDER, "input": ["river"]}).json()
    same = httpx.post(f"{shared.url}/api/embed", json={"model": "llama3.1", "input": ["river"]}).json()
    shown = httpx.post(f"{shared.url}/api/show", json={"model": EMBEDDER}).json()

    assert told["model"] == EMBEDDER and len(told["embeddings"][0]) == 768
    assert told["embeddings"] == same["embeddings"]
    assert (shown["capabilities"], shown["details"]["family"]) == (["embedding"], "nomic-bert")
    refused = ask(shared.url, EMBEDDER, "embedder")
    assert (refused.status_code, refused.json()["error"]) == (400, f'"{EMBEDDER}" does not support chat')
    refused = ask(shared.url, EMBEDDER, "embedder", "/v1/chat/completions")
    assert refused.status_code == 404 and "not a chat model" in refused.json()["error"]["message"]
