"""The app's settings: environment variables with the prefix APP_, or the flags of `python -m reference_app`."""

import sys
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from reference_app import allowed
from reference_app.redact import without_passwords

Seconds = PositiveFloat
Share = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseSettings):
    """Every number a feature works with; seconds and shares throughout."""

    model_config = SettingsConfigDict(env_prefix="APP_", extra="forbid")

    provider: Literal["ollama", "openai"] = "ollama"
    """openai: whatever speaks OpenAI's chat completions."""
    provider_url: str = Field("http://127.0.0.1:11434", pattern="^https?://")
    """Of openai with its /v1; where none is given, Ollama on this machine."""
    api_key: Annotated[SecretStr, AfterValidator(allowed.sendable)] = SecretStr("none")
    """Sent to openai only."""
    model: str = Field("llama3.1", min_length=1)
    embedding_model: str = Field("nomic-embed-text", min_length=1)
    temperature: float | None = Field(None, ge=0, le=2)
    features: Annotated[str, AfterValidator(allowed.known_features)] = "all"
    log_path: Annotated[str, AfterValidator(allowed.writable)] = ""
    """Where the events go; empty is standard output."""
    workers: PositiveInt = 1
    """Processes that share a port."""
    drain_s: NonNegativeFloat = 0.0
    """At SIGTERM, how long new requests are still taken, while /health/ready says no more: until nobody sends any."""
    shutdown_s: Seconds = 30.0
    """After that, how long answers that have begun may take."""
    otel_endpoint: str = Field("", pattern=r"^(https?://\S+)?$")
    """Where OpenTelemetry's spans go, over HTTP, for example http://collector:4318; empty: there are none."""
    max_attempts: PositiveInt = 8
    """Calls to the provider for one request of a user, over all features."""

    deadline_s: Seconds = 9.0

    redis_url: str = Field("", pattern=r"^(rediss?://\S+)?$")
    """What several processes share: the cache "redis", single flights, limits, sessions. Empty: each process by itself."""
    redis_timeout_s: Seconds = 0.2

    batch_max: PositiveInt = 100
    """Questions in one request to /chat/batch."""
    batch_concurrency: PositiveInt = 10
    """Of one batch, how many are asked at once."""

    cache: Annotated[str, AfterValidator(allowed.known_store)] = "memory"
    cache_ttl_s: Seconds = 300.0
    cache_max_entries: PositiveInt = 10_000
    cache_ttl_jitter_share: float = Field(0.1, ge=0, lt=1)
    """By how much at most a time to live is shortened, so that what was stored at once does not expire at once."""
    cache_stale_s: NonNegativeFloat = 3600.0
    """How long an answer is kept after its time, for fallback."""
    cache_timeout_s: Seconds = 0.3
    """A cache that is slower than this is taken for an outage."""
    cache_cooldown_s: Seconds = 1.0
    """How long a cache that failed is left alone."""

    sessions: Annotated[str, AfterValidator(allowed.known_store), AfterValidator(allowed.kept_where)] = "memory"
    """Where the history of /chat/session is kept: "memory", of one process and up to its end; "sqlite:PATH"; or "redis"."""
    session_ttl_s: Seconds = 86_400.0
    """How long after its last use a session is forgotten."""
    session_max: PositiveInt = 10_000
    """Sessions in memory; beyond it the one goes that was not used for the longest time."""
    session_max_messages: Annotated[int, Field(ge=2)] = 100
    """Of one session, how many are kept: questions and answers."""
    session_max_tokens: PositiveInt = 3_000
    """Of the history and the question, about, how many the model is sent; the oldest turns are left out first."""
    session_timeout_s: Seconds = 1.0
    """A store that is slower than this is taken for an outage."""

    checkpoints: Annotated[str, AfterValidator(allowed.known_checkpoints)] = "memory"
    """Where /chat/graph keeps its conversations: "memory", of one process and up to its end; "sqlite:PATH", for the processes
    of one machine; or "postgresql://...", for all."""
    durability: Literal["sync", "async", "exit"] = "async"
    """When checkpoints are written: before the next node runs, while it runs, or once when the turn ends."""
    checkpoints_timeout_s: Seconds = 5.0
    """A store that is slower than this is taken for an outage."""
    checkpoints_cooldown_s: Seconds = 1.0
    """How long a store that failed is left alone."""
    checkpoints_pool: PositiveInt = 10
    """Connections to PostgreSQL at most, of each process; one more holds the turns."""
    checkpoints_max_threads: PositiveInt = 10_000
    """Conversations in memory; beyond it the one goes that was not used for the longest time."""
    checkpoints_keep_turns: NonNegativeInt = 10
    """After so many turns of a conversation, all its checkpoints but the latest are deleted. 0: none ever is."""
    graph_max_messages: Annotated[int, Field(ge=2)] = 100
    """Of one conversation, how many are kept: questions and answers."""
    graph_max_tokens: PositiveInt = 3_000
    """Of the history and the question, about, how many the model is sent; the oldest turns are left out first."""
    graph_wait_s: Seconds = 5.0
    """How long a question waits for the one before it in the same conversation; beyond it, a 409."""

    semantic_cache: Literal["shadow", "serve"] = "shadow"
    """shadow: it only measures. serve: it answers as soon as what was measured allows it, and stays in shadow until then."""
    semantic_min_similarity: float = Field(0.9, gt=0, le=1)
    semantic_max_false_share: float = Field(0.01, gt=0, lt=1)
    """What the share of wrong hits must be below, with 97.5 % certainty: that takes 381 right ones in a row for 0.01."""
    semantic_min_candidates: PositiveInt = 200
    semantic_audit_share: Share = 0.05
    """Of the hits, how many are asked all the same, to see whether they are still right."""
    semantic_shared: bool = False
    """Whether users share answers; otherwise each x-user-id has its own, and so have all without one."""
    semantic_max_entries: PositiveInt = 2000
    semantic_timeout_s: Seconds = 0.5
    """For an embedding."""
    semantic_cooldown_s: Seconds = 30.0
    """How long a provider without embeddings is left alone."""

    single_flight_wait_s: Seconds = 5.0
    """How long to wait for a word of an answer that another process has asked for."""

    warm_up_file: Annotated[str, AfterValidator(allowed.asked)] = ""
    """Questions to ask at the start, one a line: words, or JSON as users send it. Empty: none."""
    warm_up_s: Seconds = 5.0
    """How long the start waits for the answers; what is not answered by then is while users ask."""
    warm_up_calls: PositiveInt = 4
    """At once."""

    recovery: Literal["continue", "restart", "whole"] = "continue"
    """continue: the provider goes on from an unfinished answer (Ollama, vLLM); restart: it begins again; whole: it is asked for
    the answer in one piece, and what was not said yet is.

    With openai it is restart unless set: OpenAI itself cannot go on from an answer, and who else can is not told by its API.
    """
    recoveries: PositiveInt = 3
    recovery_base_s: Seconds = 0.05
    recovery_cap_s: Seconds = 1.0
    first_token_s: Seconds = 5.0
    stall_s: Seconds = 3.0

    retry_attempts: PositiveInt = 3
    retry_base_s: Seconds = 0.1
    retry_cap_s: Seconds = 2.0
    retry_after_cap_s: Seconds = 30.0
    """A provider that asks for a longer wait gets none: its error is passed on."""
    retry_budget_share: Share = 0.2
    """Calls again, of all requests of the last 10 s: retries, and recoveries of streams."""
    retry_budget_per_s: Annotated[float, Field(ge=0)] = 10.0
    """Calls again that are allowed on top, so that a quiet app may retry, too."""

    blind_retry_attempts: PositiveInt = 3
    blind_retry_base_s: Seconds = 1.0

    hedge_quantile: Annotated[float, Field(gt=0, lt=1)] = 0.95
    hedge_observations: PositiveInt = 50
    """First words that must have been seen before there is a quantile."""
    hedge_least_s: Seconds = 0.05
    """However fast the model is, a second call is not made sooner."""
    hedge_budget_share: Share = 0.05
    """Second calls, of all calls of the last minute."""

    breaker_failure_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    breaker_calls: PositiveInt = 20
    """Calls that must have ended within the window before a share is taken of them."""
    breaker_window_s: Seconds = 10.0
    breaker_open_s: Seconds = 2.0
    breaker_probes: PositiveInt = 3

    fallback_model: str = ""
    """Asked where the model itself fails; empty: none is."""
    fallback_text: str = ""
    """Said where nothing else is left to say; empty: the error is passed on."""

    concurrency: PositiveInt = 100
    """Calls that are with the provider at once: of this process, or with APP_REDIS_URL of all that share it."""
    concurrency_lease_s: Annotated[float, Field(ge=0.5)] = 10.0
    """After so long without a sign of life, the calls of a process that died no longer count."""
    concurrency_cooldown_s: Seconds = 1.0
    """How long a Redis that failed is left alone; meanwhile each process keeps to its share, APP_CONCURRENCY / APP_WORKERS."""

    adaptive_start: PositiveInt = 50
    adaptive_least: PositiveInt = 4
    adaptive_most: PositiveInt = 200
    adaptive_tolerance: Annotated[float, Field(gt=1)] = 2.0
    """So many times the usual first token is too slow, and so many times the usual share of refusals too much."""

    shed_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Of the time up to the deadline: who would need more, by what is known, is refused at once."""

    rate_limit: Annotated[str, AfterValidator(allowed.known_rate)] = ""
    """For each user, for example 20/minute; empty: there is none."""
    rate_limit_cooldown_s: Seconds = 1.0
    """How long a Redis that failed is left alone; meanwhile everybody is let through."""
    user_header: str = Field("x-user-id", pattern=r"^[A-Za-z0-9-]+$")
    """Who asks. Without it, or with signs no name has, it is whoever has the same address."""

    prices: Annotated[str, AfterValidator(allowed.priced)] = ""
    """A price list in TOML, as scenarios/prices/illustrative.toml is one: usage then tells what a request cost. Empty: none."""

    input_limit_tokens: NonNegativeInt = 0
    """Of a question with all that is sent along, about; more is refused. 0: there is no limit."""
    output_limit_tokens: NonNegativeInt = 0
    """Of an answer, at most, also where its user asks for more or does not say. 0: there is no limit."""

    compress_above_tokens: NonNegativeInt = 0
    """Longer prompts are made shorter. 0: none is."""
    compress_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """What shall be left of the texts that may be made shorter."""
    compress_model: Annotated[str, AfterValidator(allowed.loadable)] = ""
    """Of LLMLingua-2, a name or a folder, for example microsoft/llmlingua-2-xlm-roberta-large-meetingbank. Empty: whole
    sentences are chosen, without any model."""
    compress_timeout_s: Seconds = 2.0
    """For that model; a prompt that takes longer is sent as it is."""

    small_model: str = ""
    """Answers what looks simple. Empty: APP_MODEL answers all."""
    routing_score: PositiveInt = 2
    """From so many points on a question looks hard: see reference_app/features/complexity.py."""

    published_calls: Literal["blocking", "threads"] = "blocking"
    """as_published: its synchronous calls run within the async handler, as printed, or in threads, as in a `def` route."""
    published_cache: Literal["wrapper", "set_llm_cache"] = "wrapper"
    """as_published: the articles' own cache, whose key holds the parameters, or LangChain's for the whole process."""

    @model_validator(mode="after")
    def _default_by_provider(self) -> Self:
        if self.provider == "openai":
            if "provider_url" not in self.model_fields_set:
                self.provider_url += "/v1"
            if "recovery" not in self.model_fields_set:
                self.recovery = "restart"
        return self

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, without_passwords(value) if isinstance(value, str) else value

    @classmethod
    def read(cls, **flags: Any) -> Self:
        """The settings; where some are wrong, every problem on standard error and exit code 2."""
        try:
            return cls(**flags)
        except ValidationError as wrong:
            for problem in wrong.errors():
                for sentence in _sentence(problem).splitlines():
                    sys.stderr.write(f"APP_{'.'.join(map(str, problem['loc'])).upper()}: {sentence}\n")
        raise SystemExit(2)


def _sentence(problem: Any) -> str:
    if "error" in problem.get("ctx", {}):
        return str(problem["ctx"]["error"])
    given = problem["input"]
    return f"{problem['msg']}, got {(without_passwords(given) if isinstance(given, str) else given)!r}"
