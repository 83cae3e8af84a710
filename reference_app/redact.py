"""Keeps secrets out of what is written: keys, and the passwords in the URLs of stores."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

import orjson
from pydantic import SecretStr

_PASSWORD = re.compile(
    r"(?<=://)([^/@\s:]*):([^/\s]*)@|(?<=[ ;?&])(password=)('[^']*'|[^\s&;]+)|^(password=)('[^']*'|[^\s&;]+)"
)
HIDDEN = "***"
NO_KEY = "none"
"""What is sent where no key is set."""
LEAST = 4
"""Characters a secret must have: to blot out every "a" would hide the log rather than the secret."""


def without_passwords(text: str) -> str:
    """The same URL or DSN, to be shown.

    >>> without_passwords("redis://app:hunter2@cache:6379/0")
    'redis://app:***@cache:6379/0'
    """
    return _PASSWORD.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    if found[2] is not None:
        return f"{found[1]}:{HIDDEN}@"
    return f"{found[3] or found[5]}{HIDDEN}"


def secrets_of(values: Iterable[object]) -> list[str]:
    """What must not be read in a log: of each key the whole, of each URL its password, as written and as meant."""
    found: set[str] = set()
    for value in values:
        if isinstance(value, SecretStr):
            found.add(value.get_secret_value())
        elif isinstance(value, str):
            for match in _PASSWORD.finditer(value):
                password = match[2] if match[2] is not None else (match[4] or match[6]).strip("'")
                found |= {password, unquote(password)}
    return sorted((secret for secret in found if len(secret) >= LEAST and secret != NO_KEY), key=len, reverse=True)


class Blot:
    """Replaces secrets in a line that is ready to be written, so that no field of any event is forgotten."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # As they stand in JSON, too, where a quote has a stroke before it.
        self._secrets = [form for secret in secrets for form in {secret.encode(), orjson.dumps(secret)[1:-1]}]

    def __call__(self, line: bytes) -> bytes:
        for secret in self._secrets:
            if secret in line:
                line = line.replace(secret, HIDDEN.encode())
        return line
