import json

import pytest

from records.bad_input import BadInput
from records.prompts import Prompts, read_prompts, texts_of

KNOWN = Prompts({"q0": "How do I pay?", "q1": "How do I pay? By card?", "q2": "怎么重置密码？"})


CASES = {
    "bare": (["How do I pay?"], "q0"),
    "in a template": (["You are kind.", "Question: How do I pay? Answer:"], "q0"),
    "the longest": (["Say it: How do I pay? By card?"], "q1"),
    "not English": (["请回答：怎么重置密码？谢谢"], "q2"),
    "in the last message": (["How do I pay? By card?", "Indeed.", "How do I pay?"], "q0"),
    "before other messages": (["How do I pay?", "Which city?"], "q0"),
    "broken into lines": (["Question:\n\tHow do\n  I pay?"], "q0"),
    "in other words": (["how do i pay"], ""),
    "nothing at all": ([], ""),
}


@pytest.mark.parametrize(("texts", "key"), CASES.values(), ids=CASES)
def test_a_prompt_is_found_in_what_an_app_made_of_it(texts, key):
    assert KNOWN.key_in(texts) == key
    assert KNOWN.question_in(texts) == {"q0": "How do I pay?", "q1": "How do I pay? By card?", "q2": "怎么重置密码？"}.get(key)


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]}, ["a", "b"]),
        ({"messages": [{"content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}]}]}, ["a"]),
        ({"system": "s", "prompt": "p", "model": "m"}, ["s", "p"]),
        ({"system": [{"type": "text", "text": "s"}], "messages": [{"content": "a"}]}, ["s", "a"]),
        ({"input": [{"content": [{"type": "input_text", "text": "a"}]}]}, ["a"]),
        ({"input": ["a", "b"]}, ["a", "b"]),
        ({"contents": [{"parts": [{"text": "a"}]}]}, ["a"]),
        ({"messages": [{"content": None}, 3, {}]}, []),
        ([], []),
        (None, []),
        ("a", []),
    ],
)
def test_the_texts_of_each_api_are_read(body, texts):
    assert texts_of(body) == texts


def test_what_is_nested_beyond_reason_is_no_message():
    deep = "a"
    for _ in range(900):
        deep = [deep]
    assert texts_of({"messages": deep}) == []


def test_a_file_is_read(tmp_path):
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps({"q2": "怎么重置密码？"}), "utf-8")

    assert read_prompts(path).key_in(["怎么重置密码？"]) == "q2"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not readable as JSON"),
        ("[" * 9000, "not readable as JSON"),
        ("[]", "must be a table of questions by their keys, none of them empty"),
        ('{"q": " "}', "must be a table of questions by their keys, none of them empty"),
        (None, "No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path, text, told):
    path = tmp_path / "prompts.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput) as bad:
        read_prompts(path)
    (problem,) = bad.value.problems
    assert problem.startswith(f"{path}: ") and told in problem
