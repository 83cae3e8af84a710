"""The articles on running it: counting tokens, callbacks, logs, loops."""

import asyncio
import json
import logging

import httpx
import pytest
from langchain_community.callbacks import get_openai_callback
from langchain_core.callbacks import BaseCallbackHandler, get_usage_metadata_callback
from langchain_core.messages import HumanMessage
from langchain_core.messages.utils import count_tokens_approximately
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import StreamingResponse
from starlette.routing import Route

from reference_app.means import Means
from reference_app.settings import Settings


class Listening(BaseCallbackHandler):
    def __init__(self):
        self.told = []

    def on_llm_end(self, response, **_):
        self.told.append(response.llm_output)


def test_callbacks_go_into_the_config(community_ollama):
    """Article B's invoke(x, callbacks=[...])."""
    listening = Listening()

    with pytest.raises(TypeError, match="multiple values for keyword argument 'callbacks'"):
        community_ollama().model.invoke("n=2", callbacks=[listening])
    community_ollama().model.invoke("n=2", config={"callbacks": [listening]})
    assert len(listening.told) == 1


def test_tokens_are_not_where_the_articles_look(chat_ollama):
    """Articles B and C read llm_output["token_usage"]: there is none, and the counter stays at 0. LangChain's own counts."""
    listening = Listening()
    with get_usage_metadata_callback() as usage:
        for how in ("invoke", "stream"):
            told = getattr(chat_ollama().model, how)("n=4", config={"callbacks": [listening]})
            list(told) if how == "stream" else told
    print("llm_output:", listening.told, "usage:", usage.usage_metadata)

    assert not any((told or {}).get("token_usage") for told in listening.told)
    (counted,) = usage.usage_metadata.values()
    assert counted["output_tokens"] == 8


def test_a_model_without_a_list_price_costs_nothing(chat_openai):
    """Article B's get_openai_callback, for whatever OpenAI does not sell."""
    with get_openai_callback() as counted:
        chat_openai().model.invoke("n=4")

    assert (counted.completion_tokens, counted.total_cost) == (4, 0.0)


def test_an_approximate_count_is_far_off_in_chinese():
    """Four signs a token is English; a Chinese sign is about one."""
    text = "第三季度的预算审批流程应该怎么走才能最快通过"
    counted = count_tokens_approximately([HumanMessage(text)])
    print(f"{len(text)} signs, counted as {counted} tokens")

    assert counted < 0.6 * len(text)


def test_a_loop_within_a_loop_is_refused():
    """Article B's asyncio.run(warm_up()) where the app starts."""

    async def start():
        warming = asyncio.sleep(0)
        try:
            with pytest.raises(RuntimeError, match="cannot be called from a running event loop"):
                asyncio.run(warming)
        finally:
            warming.close()

    asyncio.run(start())


def test_a_log_record_is_not_told_apart_by_its_class(caplog):
    """Article C takes what LogRecord.__dict__ has not for its own fields: it is nearly all, and an error cannot be written."""
    caplog.set_level(logging.ERROR)
    try:
        raise OSError("lost")
    except OSError:
        logging.getLogger("article").error("failed", exc_info=True, extra={"user": "u1"})
    (record,) = caplog.records
    extra = {name: value for name, value in record.__dict__.items() if name not in logging.LogRecord.__dict__}
    print(f"{len(extra)} fields, one of them ours")

    assert len(extra) > 15 and extra["user"] == "u1"
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(extra)


def test_a_middleware_of_starlette_s_base_class_ends_at_the_first_byte():
    """Article C times requests and counts the active ones so: a stream is over for it when it begins."""
    order = []

    async def dispatch(request, call_next):
        response = await call_next(request)
        order.append("counted as over")
        return response

    async def words():
        for word in ("a", "b"):
            await asyncio.sleep(0)
            yield word
        order.append("last word")

    app = Starlette(routes=[Route("/", lambda _: StreamingResponse(words()))])
    app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as http:
            return (await http.get("/")).text

    assert asyncio.run(ask()) == "ab" and order == ["counted as over", "last word"]


def test_a_client_of_redis_waits_for_seconds_unless_told():
    """Articles B to D make it with its defaults: it tries for seconds while the request waits. Ours does not try again."""
    retry = Redis(port=1).get_retry()
    ours = Means(Settings(redis_url="redis://127.0.0.1:1"), None).redis
    print("tries again by default:", retry.get_retries(), "- ours:", ours.get_retry().get_retries())

    assert retry.get_retries() >= 3 and ours.get_retry().get_retries() == 0
