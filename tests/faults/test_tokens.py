"""What a call asks for, before anybody counted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults.tokens import estimated_tokens


@pytest.mark.parametrize(
    ("said", "tokens"),
    [
        ({"messages": [{"role": "user", "content": "x" * 36}]}, 10),
        ({"messages": [{"role": "user", "content": "x" * 36}], "max_tokens": 5}, 10),
        ({"messages": [{"role": "user", "content": "x" * 36}], "max_completion_tokens": 500}, 500),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "x" * 32}]}]}, 10),
        ({"prompt": "wörd" * 10, "options": {"num_predict": 7}}, 10),
        ({"prompt": "x", "options": {"num_predict": 128}}, 128),
        ({"prompt": "x", "options": {"num_predict": -1}}, 1),
        ({"input": ["aaaa", "bbbb"]}, 2),
        ({"prompt": "x", "options": "odd", "max_tokens": "many"}, 1),
        ({}, 1),
        ([], 1),
    ],
)
def test_the_larger_of_prompt_and_max_tokens(said, tokens):
    assert estimated_tokens(json.dumps(said).encode()) == tokens


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"prompt": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"])
def test_a_body_that_nobody_understands_is_one_token(body):
    assert estimated_tokens(body) == 1


def test_ten_megabytes_are_counted():
    assert estimated_tokens(json.dumps({"prompt": "x" * 10_000_000}).encode()) == 2_500_000


@given(st.binary(max_size=200))
def test_any_body(body):
    assert estimated_tokens(body) >= 1
