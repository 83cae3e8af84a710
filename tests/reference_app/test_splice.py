"""Texts of two attempts made one."""

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from reference_app.call import is_reset
from reference_app.splice import Splice


def chunk(text, finish=None):
    info = {"done_reason": finish} if finish else None
    return ChatGenerationChunk(message=AIMessageChunk(content=text), generation_info=info)


def spliced(said, continues, *texts):
    """What is said of `texts`, "R" for a reset; and how many chunks were not."""
    splice, out = Splice(said, continues), []
    for text in texts:
        out += splice.take(chunk(text))
    out += splice.take(chunk("", "stop"))
    return ["R" if is_reset(one) else one.text for one in out if is_reset(one) or one.text], splice.give_up()


@pytest.mark.parametrize(
    ("said", "continues", "texts", "out", "dropped"),
    [
        ("", True, ["a", "b"], ["a", "b"], 0),
        ("The sky is", True, [" blue", "."], [" blue", "."], 0),
        ("The sky is", True, ["The", " sky", " is", " blue"], [" blue"], 3),
        ("The sky is", True, ["The", " sky", " is blue"], [" blue"], 2),
        ("The sky is", True, ["The", " sea"], ["The", " sea"], 0),
        ("ha ha", True, ["ha ha"], ["ha ha"], 0),
        ("The sky is", False, ["The", " sky", " is", " blue"], [" blue"], 3),
        ("The sky is", False, ["The", " sky", " is"], [], 3),
        ("The sky is", False, ["The", " sea"], ["R", "The", " sea"], 0),
        ("The sky is", False, ["The"], ["R", "The"], 0),
        ("The sky is", True, [], [], 0),
    ],
)
def test_a_splice_says_nothing_twice(said, continues, texts, out, dropped):
    assert spliced(said, continues, *texts) == (out, dropped)


def test_what_was_held_when_an_attempt_broke_is_lost():
    splice = Splice("The sky is", True)
    splice.take(chunk("The"))
    assert splice.give_up() == 1
