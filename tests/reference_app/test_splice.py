"""Texts of two attempts made one."""

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
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
        ("The answer is", True, [" 42", "."], [" 42", "."], 0),
        ("The answer is", True, ["The", " answer", " was", " 42"], ["R", "The", " answer", " was", " 42"], 0),
        ("The answer is", True, ["The answer"], ["R", "The answer"], 0),
        ("The answer is", True, [" ", "The answer is 42"], ["R", " ", "The answer is 42"], 0),
        ("The answer is", True, ["The result"], ["The result"], 0),
        ("The answer is", True, ["The"], ["The"], 0),
        ("Grüße, Jürgen: 你好", True, ["Grüße, ", "Jürgen: 你", "好吗"], ["吗"], 2),
        ("Grüße, Jürgen", True, ["Grüße, ", "Jürg"], ["R", "Grüße, ", "Jürg"], 0),
        ("Hello", False, ["Hel", "lo, you"], [", you"], 1),
        ("Hello", False, [" Hello"], ["R", " Hello"], 0),
        ("The sky is", False, ["The", " sky", " is", " blue"], [" blue"], 3),
        ("The sky is", False, ["The", " sky", " is"], [], 3),
        ("The sky is", False, ["The", " sea"], ["R", "The", " sea"], 0),
        ("The sky is", False, ["The"], ["R", "The"], 0),
        ("The sky is", True, [], [], 0),
    ],
)
def test_a_splice_says_nothing_twice(said, continues, texts, out, dropped):
    assert spliced(said, continues, *texts) == (out, dropped)


@pytest.mark.parametrize("continues", [True, False])
def test_what_a_chunk_carries_beside_its_text_survives_a_repetition(continues):
    calls = [tool_call_chunk(name="add", args="{}", id="1", index=0)]
    with_call = ChatGenerationChunk(message=AIMessageChunk(content="The sky", tool_call_chunks=calls))
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    last = ChatGenerationChunk(
        message=AIMessageChunk(content=" is blue", usage_metadata=usage), generation_info={"done_reason": "stop"}
    )
    splice = Splice("The sky is", continues)

    assert splice.take(with_call) == []
    call, rest = splice.take(last)
    assert (call.text, call.message.tool_call_chunks) == ("", calls)
    assert (rest.text, rest.message.usage_metadata, rest.generation_info) == (" blue", usage, {"done_reason": "stop"})


def test_a_tool_call_stays_with_the_answer_it_came_in():
    call = ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[tool_call_chunk(name="add", index=0)]))
    goes_on, begins_again, end = Splice("Let me add that up", True), Splice("Let me add that up", True), chunk("", "stop")

    assert [*goes_on.take(call), *goes_on.take(end)] == [call, end]
    assert begins_again.take(text := chunk("Let me add")) == begins_again.take(call) == []
    voided, *rest = begins_again.take(end)
    assert is_reset(voided) and rest == [text, call, end]


def test_a_continuation_is_held_no_longer_than_it_may_be_a_new_beginning():
    splice = Splice("The answer is", True)

    assert splice.take(chunk("Th")) == []
    assert [one.text for one in splice.take(chunk("at"))] == ["Th", "at"]
    assert [one.text for one in splice.take(chunk(" The answer is"))] == [" The answer is"]


def test_what_was_held_when_an_attempt_broke_is_lost():
    splice = Splice("The sky is", True)
    splice.take(chunk("The"))
    assert splice.give_up() == 1
