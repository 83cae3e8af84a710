"""The articles on caching: what LangChain's caches do with their snippets today."""

import logging

import pytest
from langchain_community.cache import RedisCache, RedisSemanticCache
from langchain_core.caches import BaseCache, InMemoryCache
from langchain_core.embeddings import FakeEmbeddings
from langchain_core.language_models.fake import FakeListLLM
from langchain_core.outputs import Generation
from redis import Redis


def test_an_in_memory_cache_is_no_dictionary():
    """Article A: neither `in` nor `cache[key]`, nor get and put; it is asked by prompt and model."""
    cache = InMemoryCache()

    with pytest.raises(TypeError, match="not iterable"):
        "key" in cache  # noqa: B015
    with pytest.raises(TypeError, match="item assignment"):
        cache["key"] = "answer"
    assert not hasattr(BaseCache, "get") and not hasattr(BaseCache, "put")
    cache.update("question", "model", [Generation(text="answer")])
    assert cache.lookup("question", "model")[0].text == "answer" and cache.lookup("question", "other") is None


def test_the_partner_package_s_key_knows_no_parameters(chat_ollama):
    """Article A is right, and it is worse than told: an answer of temperature 0 for who asked for 1."""
    cache = InMemoryCache()
    cold, hot = chat_ollama(temperature=0.0, cache=cache), chat_ollama(temperature=1.0, cache=cache)
    for one in (cold, hot):
        one.model.invoke("n=2 key")

    print("ChatOllama, made with two temperatures:", cold.calls + hot.calls, "call")
    assert (cold.calls, hot.calls) == (1, 0)


def test_the_community_s_key_knows_what_it_was_made_with(community_ollama):
    """Article A is wrong of the class it uses."""
    cache = InMemoryCache()
    made = [community_ollama(temperature=asked, cache=cache) for asked in (0.0, 1.0)]
    for one in made:
        one.model.headers = {"x-request-id": made[0].name}
        one.model.invoke("n=2 key")

    print("community's Ollama, made with two temperatures:", made[0].calls, "calls")
    assert made[0].calls == 2


def test_no_key_knows_what_travels_in_the_call(community_ollama):
    """What was made with one temperature and asked with another is answered from the cache."""
    one = community_ollama(cache=InMemoryCache())
    for asked in (0.0, 1.0):
        one.model.invoke("n=2 key", temperature=asked)

    print("community's Ollama, asked with two temperatures:", one.calls, "call")
    assert one.calls == 1


def test_parameters_of_the_call_are_refused_by_chat_ollama(chat_ollama):
    """Article A's invoke(x, temperature=0.7): options= would do, and void what the model was made with; a copy does it."""
    one = chat_ollama(num_predict=9)

    with pytest.raises(TypeError, match="unexpected keyword argument 'temperature'"):
        one.model.invoke("n=2", temperature=0.7)
    one.model.invoke("n=2", options={"temperature": 0.7})
    one.model.model_copy(update={"temperature": 0.7}).invoke("n=2")
    assert [body["options"] for body in one.bodies] == [{"temperature": 0.7}, {"num_predict": 9, "temperature": 0.7}]


def test_a_limit_of_the_call_is_sent_by_a_name_ollama_does_not_know(community_ollama):
    """Article A's invoke(x, max_tokens=...): Ollama reads num_predict."""
    one = community_ollama()
    one.model.invoke("n=2", max_tokens=5)

    (body,) = one.bodies
    assert body["options"]["max_tokens"] == 5 and body["options"]["num_predict"] is None


def test_a_redis_cache_takes_a_client():
    """Article A's RedisCache(host=, port=, db=)."""
    with pytest.raises(TypeError, match="unexpected keyword argument 'host'"):
        RedisCache(host="127.0.0.1", port=6379, db=0)


def test_its_keys_have_no_prefix_to_expire_by(redis_server):
    """Article B sets expire() on keys named langchain:cache:...; they are bare digests, and live for ever without ttl=."""
    client = Redis.from_url(redis_server.url)
    for ttl in (None, 60):
        client.flushall()
        FakeListLLM(responses=["a"], cache=RedisCache(client, ttl=ttl)).invoke("question")
        (key,) = client.keys()
        assert len(key) == 32 and not key.startswith(b"langchain:")
        assert client.expire("langchain:cache:question", 60) == 0
        assert client.ttl(key) == (-1 if ttl is None else 60)


def test_a_score_threshold_is_taken_for_a_distance(monkeypatch):
    """Articles B and C write 0.95 and mean alike; the class passes it on as the most that texts may differ."""
    asked = []

    class Index:
        def similarity_search(self, **told):
            asked.append(told)
            return []

    cache = RedisSemanticCache.__new__(RedisSemanticCache)
    cache.score_threshold = 0.95
    monkeypatch.setattr(RedisSemanticCache, "_get_llm_cache", lambda self, llm_string: Index())
    cache.lookup("question", "model")

    assert asked[0]["distance_threshold"] == 0.95


def test_its_semantic_cache_needs_a_module_of_redis(redis_server, caplog):
    """Plain Redis 7 has no RediSearch: the first question is refused."""
    caplog.set_level(logging.CRITICAL)
    cache = RedisSemanticCache(redis_url=redis_server.url, embedding=FakeEmbeddings(size=4))

    with pytest.raises(ValueError, match=r"RediSearch|Redis cannot be used"):
        cache.lookup("question", "model")
