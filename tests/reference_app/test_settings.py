"""What the settings are where nobody sets them."""

import pytest
from pydantic import ValidationError

from reference_app.settings import Settings

OLLAMA, OPENAI = "http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"


@pytest.mark.parametrize(
    ("given", "url", "recovery"),
    [
        ({}, OLLAMA, "continue"),
        ({"recovery": "restart"}, OLLAMA, "restart"),
        ({"provider": "openai"}, OPENAI, "restart"),
        ({"provider": "openai", "recovery": "continue"}, OPENAI, "continue"),
        ({"provider": "openai", "provider_url": OLLAMA}, OLLAMA, "restart"),
    ],
)
def test_two_defaults_depend_on_the_provider(given, url, recovery, monkeypatch):
    by_flag = Settings(**given)
    for name, value in given.items():
        monkeypatch.setenv(f"APP_{name.upper()}", value)

    assert (by_flag.provider_url, by_flag.recovery) == (url, recovery)
    assert Settings() == by_flag


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "clé", "\0"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_told(key):
    with pytest.raises(ValidationError, match="must be made of ASCII"):
        Settings(api_key=key)


def test_a_key_is_not_told():
    assert "sk-secret" not in repr(Settings(api_key="sk-secret"))
