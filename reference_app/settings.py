"""The app's settings: environment variables with the prefix APP_, or the flags of `python -m reference_app`."""

import os
import sys
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from reference_app import features

Seconds = PositiveFloat


def _known_features(text: str) -> str:
    features.parse(text)
    return text


def _known_store(text: str) -> str:
    if text != "memory" and not text.startswith("sqlite:"):
        raise ValueError(f'must be "memory" or "sqlite:PATH", got "{text}"')
    return text


def _sendable(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    # Checked here, where the key is not told: what cannot be a header's value would fail in every request.
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be made of ASCII letters, digits and signs, without blanks")
    return key


def _writable(path: str) -> str:
    if path and (why := _why_not_written(path)):
        raise ValueError(f"{path} cannot be written: {why}")
    return path


def _why_not_written(path: str) -> str | None:
    """Without making the file: a check leaves nothing behind."""
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        return f"{folder} is no folder"
    if os.path.isdir(path):
        return "it is a folder"
    try:
        os.stat(path)
    except FileNotFoundError:
        return None if os.access(folder, os.W_OK) else f"{folder} is not ours to write to"
    except OSError as error:
        return error.strerror
    return None if os.access(path, os.W_OK) else "it is not ours to write to"


class Settings(BaseSettings):
    """Every number a feature works with; seconds and shares throughout."""

    model_config = SettingsConfigDict(env_prefix="APP_", extra="forbid")

    provider: Literal["ollama", "openai"] = "ollama"
    """openai: whatever speaks OpenAI's chat completions."""
    provider_url: str = Field("http://127.0.0.1:11434", pattern="^https?://")
    """Of openai with its /v1; where none is given, Ollama on this machine."""
    api_key: Annotated[SecretStr, AfterValidator(_sendable)] = SecretStr("none")
    """Sent to openai only."""
    model: str = Field("llama3.1", min_length=1)
    embedding_model: str = Field("nomic-embed-text", min_length=1)
    temperature: float | None = Field(None, ge=0, le=2)
    features: Annotated[str, AfterValidator(_known_features)] = "all"
    log_path: Annotated[str, AfterValidator(_writable)] = ""
    """Where the events go; empty is standard output."""
    max_attempts: PositiveInt = 8
    """Calls to the provider for one request of a user, over all features."""

    deadline_s: Seconds = 9.0

    redis_url: str = Field("", pattern=r"^(rediss?://\S+)?$")
    """What several processes share: the cache "redis", single flights, limits, sessions. Empty: each process by itself."""
    redis_timeout_s: Seconds = 0.2

    cache: Annotated[str, AfterValidator(_known_store)] = "memory"
    cache_ttl_s: Seconds = 300.0
    cache_max_entries: PositiveInt = 10_000
    cache_timeout_s: Seconds = 0.3
    """A cache that is slower than this is taken for an outage."""

    recovery: Literal["continue", "restart"] = "continue"
    """continue: the provider goes on from an unfinished answer (Ollama, vLLM); restart: it begins again.

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

    @model_validator(mode="after")
    def _default_by_provider(self) -> Self:
        if self.provider == "openai":
            if "provider_url" not in self.model_fields_set:
                self.provider_url += "/v1"
            if "recovery" not in self.model_fields_set:
                self.recovery = "restart"
        return self

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
    return f"{problem['msg']}, got {problem['input']!r}"
