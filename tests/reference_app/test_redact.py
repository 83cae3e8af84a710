"""Secrets stay out of what is written."""

import os
import subprocess
import sys

import pytest
from pydantic import SecretStr

from reference_app.log import open_log
from reference_app.redact import secrets_of, without_passwords
from reference_app.settings import Settings


@pytest.mark.parametrize(
    ("url", "shown", "secrets"),
    [
        ("redis://app:hunter2@cache:6379/0", "redis://app:***@cache:6379/0", ["hunter2"]),
        ("redis://:hunt@er2@cache", "redis://:***@cache", ["hunt@er2"]),
        ("postgresql://app:p%40ss@db/app", "postgresql://app:***@db/app", ["p%40ss", "p@ss"]),
        ("host=db password=hunter2 user=app", "host=db password=*** user=app", ["hunter2"]),
        ("password='two words' host=db", "password=*** host=db", ["two words"]),
        ("redis://cache:6379/0", "redis://cache:6379/0", []),
        ("sqlite:cache.db", "sqlite:cache.db", []),
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1", []),
    ],
)
def test_the_password_of_a_url_is_hidden_and_known(url, shown, secrets):
    assert without_passwords(url) == shown and secrets_of([url]) == secrets


def test_a_key_is_a_secret_and_the_lack_of_one_is_none():
    assert secrets_of([SecretStr("sk-1"), SecretStr("none"), 7, "all"]) == ["sk-1"]


def test_they_are_blotted_out_wherever_they_turn_up(tmp_path):
    path = tmp_path / "app.jsonl"
    log = open_log(str(path), ['sk-1"2', "hunter2"])
    log("x", error=ValueError('hunter2 in an error, sk-1"2'), nested={"deep": ["hunter2"]}, hunter2=1)
    try:
        raise ValueError("hunter2")
    except ValueError as error:
        log("y", exc_info=error)

    assert "hunter2" not in path.read_text() and "sk-1" not in path.read_text() and "Traceback" in path.read_text()


def test_settings_do_not_tell_them_when_shown_nor_when_wrong():
    assert "hunter2" not in repr(Settings(redis_url="redis://u:hunter2@h"))
    wrong = {"APP_REDIS_URL": "http://u:hunter2@h", "APP_PROVIDER_URL": "ftp://u:hunter2@h", "APP_API_KEY": "hunter2 hunter2"}
    command = [sys.executable, "-m", "reference_app", "--check"]
    told = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30, env={**os.environ, **wrong})

    assert told.returncode == 2 and len(told.stderr.splitlines()) == 3 and "hunter2" not in told.stderr + told.stdout
