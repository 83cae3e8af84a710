"""Claim C9: similarity thresholds of 0.93 to 0.96 are sound. Swept over pairs that mean the same, and pairs that do not."""

import pytest

from model_server.embeddings import embed
from reference_app.features.guards import may_share
from tests.reference_app.features.test_guards import APART, TOGETHER

SAME = [
    *TOGETHER,
    ("How do I reset my password?", "How can I reset my password?"),
    ("How do I reset my password?", "I forgot my password, what now?"),
    ("Where is my order?", "Where's my order?"),
    ("Where is my order?", "Can you tell me where my order is?"),
    ("What is your refund policy?", "How do refunds work?"),
    ("How long does delivery take?", "How long does the delivery take?"),
    ("How do I cancel my subscription?", "I want to cancel my subscription."),
    ("Do you ship to Norway?", "Is shipping to Norway possible?"),
    ("What is Python?", "Tell me about the programming language Python"),
    ("怎么重置密码？", "如何重置密码"),
    ("我的订单什么时候到？", "订单几时能到"),
    ("Wie ändere ich meine Rechnungsadresse?", "Wie kann ich meine Rechnungsadresse ändern?"),
]
THRESHOLDS = (0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.96, 0.99)
CLAIMED = (0.93, 0.96)


def similarities(pairs):
    return [float(embed(one) @ embed(other)) for one, other in pairs]


def swept(guarded):
    """For each threshold: of pairs that mean the same, the share found; of all that were found, the share that is wrong."""
    kept = [[not guarded or may_share(*pair) for pair in pairs] for pairs in (SAME, APART)]
    near = [similarities(pairs) for pairs in (SAME, APART)]
    found = {}
    for threshold in THRESHOLDS:
        right, wrong = (
            sum(let and value >= threshold for let, value in zip(lets, values, strict=True))
            for lets, values in zip(kept, near, strict=True)
        )
        found[threshold] = right / len(SAME), wrong / (right + wrong) if right + wrong else None
    return found


@pytest.fixture(scope="module")
def tables():
    """Without guards, and with them."""
    return swept(False), swept(True)


def test_no_threshold_separates_same_from_different(tables):
    """At the claimed thresholds it serves wrong answers, and finds few of the right ones."""
    plain, guarded = tables
    print(f"{len(SAME)} pairs that mean the same, {len(APART)} that do not: of the same, found; of what is found, wrong")
    for threshold in THRESHOLDS:
        cells = [
            f"{found:.0%} found, {'nothing' if wrong is None else f'{wrong:.0%}'} wrong"
            for found, wrong in (plain[threshold], guarded[threshold])
        ]
        print(f"{threshold:.2f}: {cells[0]} | with guards {cells[1]}")
    for threshold in CLAIMED:
        found, wrong = plain[threshold]
        assert found < 0.5 and wrong is not None and wrong > 0.1


def test_fewer_are_found_the_higher_the_threshold(tables):
    """What a high threshold costs."""
    for table in tables:
        found = [table[threshold][0] for threshold in THRESHOLDS]
        assert found == sorted(found, reverse=True)


def test_guards_keep_out_what_is_wrong_at_every_threshold(tables):
    """Where they win; what they cost is a pair that means the same and differs in a number, a name or a negation."""
    plain, guarded = tables
    assert not any(wrong for _, wrong in guarded.values())
    assert all(guarded[threshold][0] <= plain[threshold][0] for threshold in THRESHOLDS)
