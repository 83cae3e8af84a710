"""The model's answers: proof-carrying, repeatable where a real model would be, billed by stated rules."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_server.answers import CJK, WORDS, Answer, Prompt, answer, tokens, tokens_in
from records.proof import check


def said(prompt: Prompt, words: int = 8, key: str = "p01-000001", attempt: int = 1) -> Answer:
    return answer(prompt, words, 7, key, attempt)


def text(prompt: Prompt, words: int = 8, key: str = "p01-000001", attempt: int = 1) -> str:
    return "".join(said(prompt, words, key, attempt).pieces)


def test_an_answer_proves_itself():
    """Mark, words and seal are a token each."""
    prompt = Prompt("Why?", params={"temperature": 0.7}, turn=2)

    assert len(said(prompt).pieces) == 8 + 2
    assert said(prompt).done_reason == "stop"
    assert check(text(prompt), "Why?", {"temperature": 0.7}, turn=2).outcome == "ok"
    assert check(text(prompt), "Why?", {"temperature": 1.0}, turn=2).outcome == "wrong"


@pytest.mark.parametrize("params", [{"temperature": 0}, {"temperature": 0.0}, {"temperature": 0.9, "seed": 3}])
def test_with_temperature_0_or_a_seed_the_words_are_the_same_every_time(params: dict[str, object]):
    prompt = Prompt("Why?", params=params)

    assert text(prompt) == text(prompt, key="p01-000002", attempt=2)
    assert text(prompt) != text(Prompt("Why not?", params=params))


@pytest.mark.parametrize("params", [{}, {"temperature": 0.7}])
def test_sampled_words_differ_between_requests_and_attempts(params: dict[str, object]):
    """A real model would not repeat itself; the same attempt, replayed, does."""
    prompt = Prompt("Why?", params=params)

    assert text(prompt) == text(prompt)
    assert text(prompt) != text(prompt, key="p01-000002")
    assert text(prompt) != text(prompt, attempt=2)


def test_num_predict_ends_an_answer_without_its_seal():
    prompt = Prompt("Why?", limit=4)

    assert said(prompt).done_reason == "length"
    assert len(said(prompt).pieces) == 4
    assert check(text(prompt), "Why?").outcome == "truncated"


def test_a_limit_that_is_not_met_changes_nothing():
    assert said(Prompt("Why?", limit=10)) == said(Prompt("Why?"))


def test_a_stop_sequence_is_left_out_and_ends_the_answer():
    prompt = Prompt("Why?", stop=["4:", "7:"])

    assert said(prompt).done_reason == "stop"
    assert text(prompt) == text(Prompt("Why?")).split("4:")[0]


def test_a_stop_sequence_that_the_mark_tells_is_not_found_there():
    """The mark names the parameters, its stop sequences too; a model would not say them for that."""
    word = WORDS[3]
    prompt = Prompt("Why?", params={"stop": [word], "temperature": 0}, stop=[word])

    assert word in said(prompt, 0).pieces[0]
    assert check(text(prompt, 0), "Why?").outcome == "ok"
    assert text(prompt, 200) == text(Prompt("Why?", params=prompt.params), 200).split(f":{word}")[0] + ":"


def test_json_is_said_token_by_token_and_without_a_proof():
    prompt = Prompt("Why?", json='{"city":"Paris","days":3}')

    assert said(prompt).pieces == ['{"', "city", '":"', "Paris", '","', "days", '":', "3", "}"]
    assert said(prompt).done_reason == "stop"
    assert said(replace(prompt, limit=9)) == said(prompt)
    assert said(replace(prompt, limit=2)) == Answer(['{"', "city"], "length")


@settings(deadline=None)  # a busy machine is no failure
@given(cut=st.integers(1, 9), repeatable=st.booleans())
def test_an_unfinished_answer_is_continued_to_a_proof(cut: int, repeatable: bool):
    """Wherever whole tokens were cut off, and by whichever attempt, the two halves are one right answer."""
    params: dict[str, object] = {"temperature": 0.0 if repeatable else 0.7}
    so_far = "".join(said(Prompt("Why?", params=params)).pieces[:cut])

    rest = text(Prompt("Why?", params=params, so_far=so_far), attempt=2)

    assert check(so_far + rest, "Why?", params).outcome == "ok"
    if repeatable:
        assert so_far + rest == text(Prompt("Why?", params=params))


def test_an_answer_that_has_its_seal_needs_no_more():
    assert said(Prompt("Why?", so_far=text(Prompt("Why?")))).pieces == []


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(st.characters() | st.sampled_from(" a\n向か한\u3000")))
def test_tokens_are_words_and_characters_of_scripts_without_spaces(told: str):
    """The slow way and the fast one agree; no text costs nothing but blank ones."""
    slow = re.findall(rf"[{CJK}]|[^\s{CJK}]+", told)

    assert tokens(told) == len(slow)
    assert (tokens(told) == 0) == (not told.strip())


def test_input_is_billed_by_word_and_message():
    """One a word, one a character of a script without spaces, four a message; an unfinished answer is input too."""
    assert tokens_in(Prompt("", texts=["You are kind.", "Why is it so?"])) == (4 + 3) + (4 + 4)
    assert tokens_in(Prompt("", texts=["什么是 vector 数据库?"])) == 4 + 3 + 1 + 3 + 1
    assert tokens_in(Prompt("", texts=["Why?", " 1:river 2:stone"])) == (4 + 1) + (4 + 2)
