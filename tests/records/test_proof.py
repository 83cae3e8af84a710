import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.proof import check, mark, pieces, words_in

QUESTION, PARAMS, WORDS = "How do I reset it?", {"temperature": 0.7}, ["river", "stone", "moss", "fern"]
TOKENS = pieces(QUESTION, PARAMS, WORDS)
WHOLE = "".join(TOKENS)


def outcome(text, question=QUESTION, params=PARAMS, turn=1):
    return check(text, question, params, turn).outcome


def test_a_whole_answer_proves_itself():
    assert len(TOKENS) == 6
    assert outcome(WHOLE) == "ok"


@pytest.mark.parametrize("kept", range(6))
def test_an_answer_that_ends_early_is_truncated(kept):
    assert outcome("".join(TOKENS[:kept])) == "truncated"


@pytest.mark.parametrize("kept", range(1, 6))
def test_an_answer_that_begins_again_is_duplicated(kept):
    assert outcome("".join(TOKENS[:kept]) + WHOLE) == "duplicated"


@pytest.mark.parametrize("again", range(1, 5))
def test_a_word_said_twice_is_duplicated(again):
    assert outcome("".join(TOKENS[: again + 1]) + "".join(TOKENS[again:])) == "duplicated"


def test_a_word_left_out_is_garbled():
    assert outcome("".join(TOKENS[:2] + TOKENS[3:])) == "garbled"


def test_a_word_that_was_changed_is_garbled():
    assert outcome(WHOLE.replace("moss", "salt")) == "garbled"


def test_the_answer_to_another_question_is_wrong():
    assert outcome(WHOLE, question="What does it cost?") == "wrong"


def test_an_answer_made_with_other_parameters_is_wrong():
    found = check(WHOLE, QUESTION, {"temperature": 0.3})

    assert found.outcome == "wrong"
    assert found.why == "made with other parameters: temperature=0.7, asked for 0.3"


def test_zero_is_zero_however_it_is_written():
    assert outcome("".join(pieces(QUESTION, {"temperature": 0}, WORDS)), params={"temperature": 0.0}) == "ok"


def test_another_turn_is_wrong():
    assert outcome(WHOLE, turn=2) == "wrong"


def test_a_text_without_a_mark_is_garbled():
    assert outcome("I am sorry, I can't help with that.") == "garbled"


@pytest.mark.parametrize("said", range(1, 6))
def test_an_unfinished_answer_is_continued_by_another_generation(said):
    begun = "".join(TOKENS[:said])
    rest = pieces(QUESTION, PARAMS, ["other", "words", "than", "before"], so_far=begun)

    assert outcome(begun + "".join(rest)) == "ok"
    assert len(rest) == len(TOKENS) - said


def test_a_finished_answer_needs_nothing_more():
    assert pieces(QUESTION, PARAMS, WORDS, so_far=WHOLE) == []


def test_words_are_counted():
    assert words_in("".join(TOKENS[:3])) == 2


@given(
    st.text(),
    st.dictionaries(st.from_regex(r"[a-z_]+", fullmatch=True), st.one_of(st.none(), st.integers(), st.text()), max_size=3),
)
def test_any_question_and_any_parameters_survive_the_round(question, params):
    asked = {name: value for name, value in params.items() if value is not None}

    assert outcome("".join(pieces(question, params, WORDS)), question, asked) == "ok"


@given(st.text())
def test_no_text_upsets_the_check(text):
    check(text, QUESTION)
    check(mark(QUESTION, {}) + text, QUESTION)
