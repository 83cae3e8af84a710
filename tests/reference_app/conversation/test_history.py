"""What of a history is sent to the model: the newest turns within the bound, as LangChain would trim it, but cheaper."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage, trim_messages

from reference_app.conversation.history import fitting
from reference_app.conversation.store import Turn
from reference_app.tokens import PER_MESSAGE, tokens_of, tokens_of_all


def turn_of(question, answer):
    return Turn(question, answer, tokens_of(question) + tokens_of(answer) + 2 * PER_MESSAGE)


def by_langchain(turns, question, max_tokens):
    room = max_tokens - tokens_of_all([HumanMessage(question)])
    said = [message for turn in turns for message in fitting([turn], "", 10**9)[:2]]
    kept = trim_messages(said, max_tokens=max(0, room), token_counter=tokens_of_all, start_on="human")
    return [*kept, HumanMessage(question)]


WORDS = st.text(alphabet="ab 你好，\n1", min_size=1, max_size=30)


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(turns=st.lists(st.builds(turn_of, WORDS, WORDS), max_size=8), question=WORDS, max_tokens=st.integers(1, 200))
def test_it_is_what_langchain_would_keep(turns, question, max_tokens):
    """For any history, question and bound: trim_messages, by tokens counted by script, beginning with a human message."""
    kept = fitting(turns, question, max_tokens)

    assert [(one.type, one.content) for one in kept] == [
        (one.type, one.content) for one in by_langchain(turns, question, max_tokens)
    ]


def test_the_question_is_sent_whatever_its_length():
    """LangChain's, given the whole, would send nothing at all."""
    turns, long = [turn_of("a", "b")], "word " * 5_000
    whole = [*fitting(turns, "", 10**9)[:2], HumanMessage(long)]

    assert fitting(turns, long, 100) == [HumanMessage(long)]
    assert trim_messages(whole, max_tokens=100, token_counter=tokens_of_all, start_on="human") == []


def test_chinese_counts_by_character():
    """By four characters a token it would be taken for a quarter, and overflow the model's context."""
    turns = [turn_of("那里住着多少人" * 20, "大约两千万人" * 20) for _ in range(10)]
    kept = fitting(turns, "为什么", 1_000)

    assert len(kept) == 2 * 3 + 1 and tokens_of_all(kept) <= 1_000


def test_what_it_costs():
    """The tokens of a turn are counted once, when it is saved: LangChain's way counts all words at every question."""
    turns = [turn_of(f"question {number} " * 20, "some words of an answer " * 50) for number in range(50)]
    took_s = {}
    for name, trim in (("ours", fitting), ("LangChain's", by_langchain)):
        times = []
        for _ in range(5):
            began = time.process_time()
            trim(turns, "and?", 3_000)
            times.append(time.process_time() - began)
        took_s[name] = min(times)
    print("50 turns down to 3,000 tokens: " + ", ".join(f"{name} {took * 1e3:.2f} ms" for name, took in took_s.items()))
    assert took_s["ours"] < took_s["LangChain's"] / 2
