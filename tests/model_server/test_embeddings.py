"""Embeddings: whatever the text, a direction of length 1; what is alike is close."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_server.answers import WORDS
from model_server.embeddings import DIMENSIONS, READ, embed


def likeness(one: str, other: str) -> float:
    """Cosine: 1 for the same direction, about 0 for directions that have nothing to do with each other."""
    return float(embed(one) @ embed(other))


@settings(deadline=None)  # a busy machine is no failure
@given(text=st.text(), dimensions=st.integers(1, DIMENSIONS))
def test_every_text_has_a_vector_of_length_1(text: str, dimensions: int):
    vector = embed(text, dimensions)

    assert vector.shape == (dimensions,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(vector, embed(text, dimensions))


@settings(deadline=None)  # a busy machine is no failure
@given(words=st.lists(st.sampled_from(WORDS), min_size=17, max_size=17, unique=True), at=st.integers(0, 7))
def test_a_text_with_one_other_word_is_closer_than_one_with_none_in_common(words: list[str], at: int):
    text, unrelated, stranger = words[:8], words[8:16], words[16]
    similar = [*text[:at], stranger, *text[at + 1 :]]

    assert likeness(" ".join(text), " ".join(similar)) > likeness(" ".join(text), " ".join(unrelated)) + 0.2


@pytest.mark.parametrize(
    ("question", "similar", "unrelated"),
    [
        ("What is the capital of France?", "Which city is the capital of France?", "What is the price of gold today?"),
        ("How do I bake sourdough bread?", "how to bake a sourdough loaf", "How do I fix a bicycle chain?"),
        ("How do I reset my password?", "forgotten passwords, resetting them", "How do I cancel my order?"),
        ("vector database", "Vectors and databases", "Cats and dogs"),
        ("什么是向量数据库?", "向量数据库是什么", "今天天气怎么样"),
        ("Où est la bibliothèque?", "la bibliothèque, où est-elle", "Quel temps fait-il?"),
    ],
)
def test_similar_questions_are_closer_than_unrelated_ones(question: str, similar: str, unrelated: str):
    assert likeness(question, similar) > likeness(question, unrelated) + 0.1


def test_case_and_punctuation_do_not_matter():
    assert likeness("Why is the sky blue?", "why is the SKY blue") == pytest.approx(1, abs=1e-5)


def test_a_shorter_vector_is_the_beginning_of_a_longer_one():
    begins = embed("river stone moss")[:100]

    assert np.allclose(embed("river stone moss", 100), begins / np.linalg.norm(begins), atol=1e-6)


def test_only_the_beginning_of_a_long_text_is_read():
    """Nobody waits for ten megabytes."""
    assert np.array_equal(embed("river " * 2_000_000), embed(("river " * 2_000_000)[:READ]))
