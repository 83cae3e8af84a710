"""What a setting may be: each of these returns it, or says in a ValueError what is allowed instead."""

import os
import re
from importlib.util import find_spec

from pydantic import SecretStr, ValidationInfo

from reference_app import features
from reference_app.features.as_published import ALONE
from reference_app.features.warm_up import questions_of
from reference_app.prices import read_prices
from reference_app.redact import without_passwords


def known_features(text: str, others: ValidationInfo) -> str:
    if ALONE in features.parse(text) and others.data.get("provider") == "openai":
        raise ValueError(f"{ALONE} asks Ollama only, as the articles' class does, and APP_PROVIDER is openai")
    return text


def known_store(text: str, others: ValidationInfo) -> str:
    if text not in ("memory", "redis") and not re.fullmatch("sqlite:.+", text):
        raise ValueError(f'must be "memory", "sqlite:PATH" or "redis", got "{text}"')
    if text == "redis" and not others.data.get("redis_url", "known to be wrong"):
        raise ValueError("redis needs APP_REDIS_URL, which is empty")
    return text


def asked(path: str) -> str:
    if path:
        questions_of(path)
    return path


def priced(path: str) -> str:
    if path:
        read_prices(path)
    return path


def loadable(model: str) -> str:
    if model and find_spec("llmlingua") is None:
        raise ValueError(f"{model} needs the package llmlingua, which is not installed: pip install llmlingua, or leave it out")
    return model


def known_rate(text: str) -> str:
    # Not the library's own way to read it, which takes a tenth of a second to import.
    told = re.fullmatch(r"\s*(\d+)\s*(?:/|per)\s*(\d*)\s*(second|minute|hour|day)s?\s*", text)
    if text and (told is None or int(told[1]) < 1 or told[2] == "0" or int(told[2] or 1) < 1):
        raise ValueError(f'must be like "20/minute" or "100 per 5 minutes", got "{text}"')
    return text


def sendable(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    # Checked here, where the key is not told: what cannot be a header's value would fail in every request.
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be made of ASCII letters, digits and signs, without blanks")
    return key


def writable(path: str) -> str:
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


def kept_where(text: str) -> str:
    if text.startswith("sqlite:"):
        writable(text.removeprefix("sqlite:"))
    return text


def known_checkpoints(text: str) -> str:
    if text != "memory" and not re.fullmatch(r"sqlite:.+|postgres(ql)?://\S+", text):
        raise ValueError(f'must be "memory", "sqlite:PATH" or "postgresql://...", got "{without_passwords(text)}"')
    return kept_where(text)
