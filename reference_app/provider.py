"""The one place that knows which provider it is: makes LangChain's model for it, and levels what the two do differently."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import httpx
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from reference_app.call import Call, current_account

if TYPE_CHECKING:
    from reference_app.means import Embed
    from reference_app.settings import Settings

PROBES = {"ollama": "/api/version", "openai": "/models"}
"""What the provider is asked to see whether it answers, below its URL."""

SAMPLING = frozenset(
    {"temperature", "top_p", "top_k", "seed", "num_predict", "num_ctx", "repeat_penalty", "repeat_last_n", "tfs_z", "mirostat"}
)
HOW_IT_TRAVELS = frozenset({"stream", "stream_options", "stream_usage", "keep_alive"})
"""Fields of a call that do not change its answer."""


def make_provider(settings: "Settings", transport: httpx.AsyncBaseTransport) -> BaseChatModel:
    """LangChain's model as it is: no timeouts, no retries. Costs some 70 ms of CPU to make, so there is one a process."""
    return _openai(settings, transport) if settings.provider == "openai" else _ollama(settings, transport)


def _ollama(settings: "Settings", transport: httpx.AsyncBaseTransport) -> BaseChatModel:
    # Imported here: each of the two takes up to a second, which the other's users need not wait for.
    from langchain_ollama import ChatOllama

    return ChatOllama(
        model=settings.model,
        base_url=settings.provider_url,
        temperature=settings.temperature,
        async_client_kwargs={"transport": transport},
    )


def _openai(settings: "Settings", transport: httpx.AsyncBaseTransport) -> BaseChatModel:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(
        model=settings.model,
        base_url=settings.provider_url,
        api_key=settings.api_key,
        temperature=settings.temperature,
        max_retries=0,
        # LangChain's wait_for around each chunk: in Python 3.11 it swallows a cancellation that comes with the chunk
        # (cpython#86296), and so the leaving of a user; it costs a task a chunk, and its 120 s are longer than anybody waits.
        stream_chunk_timeout=None,
        stream_usage=True,
        # openai 3 brings an HTTP library of its own, and takes this one still: so both providers share a transport.
        http_async_client=httpx.AsyncClient(transport=transport, timeout=None),
        # Whatever the model's name makes LangChain think of: the chat completions are what a finish is demanded of here.
        use_responses_api=False,
        # A variable of the shell, which LangChain refuses beside a client of ours.
        openai_proxy=None,
    )


def embedder(settings: "Settings", transport: httpx.AsyncBaseTransport) -> "Embed":
    """What makes a vector of a text: the provider's own API, without the 70 ms and the client of LangChain's classes for it."""
    path, field = ("/embeddings", "data") if settings.provider == "openai" else ("/api/embed", "embeddings")
    headers = {"authorization": f"Bearer {settings.api_key.get_secret_value()}"} if settings.provider == "openai" else {}
    client = httpx.AsyncClient(base_url=settings.provider_url, transport=transport, headers=headers, timeout=None)

    async def embed(texts: list[str]) -> list[list[float]]:
        # Of the request it is made for, so that its fate can be told and repeated; it is no attempt at the answer.
        account = current_account.get(None)
        whose = {"x-request-id": account.request_id, "x-attempt": "1"} if account else {}
        answer = await client.post(path, json={"model": settings.embedding_model, "input": texts}, headers=whose)
        answer.raise_for_status()
        told = answer.json()[field]
        return [one["embedding"] for one in told] if field == "data" else told

    return embed


def with_sampling(model: BaseChatModel, params: dict[str, Any]) -> tuple[BaseChatModel, dict[str, Any]]:
    """The model with these sampling parameters, sharing its client; and the parameters that are none.

    ChatOpenAI takes them all in the call. ChatOllama raises TypeError for `temperature=0.7` there, and `options=` replaces
    all it was made with.
    """
    if _is_openai(model):
        return model, params
    wanted = {"num_predict" if name == "max_tokens" else name: value for name, value in params.items()}
    sampling = {name: value for name, value in wanted.items() if name in SAMPLING and value is not None}
    others = {name: value for name, value in wanted.items() if name not in SAMPLING}
    return (model.model_copy(update=sampling) if sampling else model), others


def limit_of(call: Call) -> int | None:
    """How many tokens the answer may have; None where nobody said."""
    model: Any = call.model
    if _is_openai(model):
        told: int | None = call.params.get("max_completion_tokens") or call.params.get("max_tokens") or model.max_tokens
    else:
        told = getattr(model, "num_predict", None)
    # Ollama takes -1 and -2 for "as many as there are".
    return told if told is not None and told >= 0 else None


def at_most(call: Call, tokens: int) -> Call:
    """The call with an answer of at most so many tokens; the call itself where it asks for no more."""
    limit = limit_of(call)
    if limit is not None and limit <= tokens:
        return call
    if not _is_openai(call.model):
        return replace(call, model=call.model.model_copy(update={"num_predict": tokens}))
    # Both names at once are refused.
    others = {name: value for name, value in call.params.items() if name != "max_completion_tokens"}
    return replace(call, params={**others, "max_tokens": tokens})


def sent(call: Call) -> list[Any]:
    """Where the call goes, and what of its body can change the answer: LangChain's own way to make it, contract-tested."""
    model: Any = call.model
    if _is_openai(model):
        where, body = model.openai_api_base, model._get_request_payload(call.messages, stop=call.stop, **call.params)
    else:
        where, body = model.base_url, model._chat_params(call.messages, call.stop, **call.params)
    return [where, {name: value for name, value in body.items() if name not in HOW_IT_TRAVELS}]


def to_continue(model: BaseChatModel) -> dict[str, Any]:
    """What a call must say beside an unfinished answer, so that it is gone on with.

    Ollama does so unasked. vLLM takes the answer for a finished turn unless it is told; and OpenAI, which cannot go on,
    refuses parameters that it does not know rather than to answer as if all had been said.
    """
    flags = {"continue_final_message": True, "add_generation_prompt": False}
    return {"extra_body": flags} if _is_openai(model) else {}


async def whole(call: Call) -> AsyncGenerator[ChatGenerationChunk, None]:
    """The answer as one chunk, asked for without a stream. LangChain's `ainvoke` would get it from Ollama as a stream."""
    model, params = call.model, call.params
    if not _is_openai(model):
        async for chunk in model._astream(call.messages, stop=call.stop, **params, stream=False):
            yield chunk
        return
    (answer, *_) = (await model._agenerate(call.messages, stop=call.stop, **params)).generations
    said = answer.message
    usage = said.usage_metadata if isinstance(said, AIMessage) else None
    yield ChatGenerationChunk(
        message=AIMessageChunk(content=said.content, usage_metadata=usage), generation_info=answer.generation_info
    )


def named(model: BaseChatModel, name: str) -> BaseChatModel:
    """The same model of another name; it shares the client and the parameters."""
    return model.model_copy(update={"model_name" if hasattr(model, "model_name") else "model": name})


def like(fresh: BaseChatModel, model: BaseChatModel) -> BaseChatModel:
    """`fresh` with the name and the parameters of `model`, and its own clients."""
    told = {name: getattr(model, name) for name in type(model).model_fields if "client" not in name}
    return fresh.model_copy(update=told)


def with_sync_client(model: BaseChatModel, transport: httpx.BaseTransport) -> BaseChatModel:
    """The same model, whose synchronous calls travel by `transport`. LangChain has no parameter for it after the making."""
    changed: Any = model.model_copy()
    if _is_openai(model):
        http = httpx.Client(transport=transport, timeout=None)
        changed.root_client = changed.root_client.with_options(http_client=http)
        changed.client = changed.root_client.chat.completions
    else:
        from ollama import Client

        changed._client = Client(host=changed.base_url, transport=transport)
    return cast(BaseChatModel, changed)


def _is_openai(model: BaseChatModel) -> bool:
    return model._llm_type == "openai-chat"
