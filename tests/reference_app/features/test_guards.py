"""The guards: what an embedding takes for the same, and is not."""

import pytest

from reference_app.features.guards import may_share

APART = [
    # Pairs that a published model puts at 0.93 to 1.00.
    ("如何开通会员", "如何取消会员"),
    ("什么是向量数据库", "什么是关系数据库"),
    ("Is it safe to take ibuprofen daily?", "Is it not safe to take ibuprofen daily?"),
    ("Convert 100 USD to EUR", "Convert 100 EUR to USD"),
    ("How does the Q3 budget get approved?", "How does the Q2 budget get approved?"),
    # Numbers.
    ("What is 12 times 3?", "What is 12 times 4?"),
    ("a drive from 3 to 5", "a drive from 5 to 3"),
    ("two eggs", "three eggs"),
    ("三个苹果多少钱", "五个苹果多少钱"),
    # Units.
    ("How long is 5 km?", "How long is 5 miles?"),
    ("5km on foot", "5mi on foot"),
    ("How much is 20% of 50?", "How much is 20 of 50?"),
    ("100美元是多少", "100日元是多少"),
    # Negation.
    ("May I eat it?", "May I never eat it?"),
    ("Can I mix them?", "Can't I mix them?"),
    ("Darf man das essen?", "Darf man das nicht essen?"),
    ("Puis-je le faire avec eux ?", "Puis-je le faire sans eux ?"),
    ("这个药能吃", "这个药不能吃"),
    ("これは食べられる", "これは食べられない"),
    # Opposites.
    ("How do I enable two-factor login?", "How do I disable two-factor login?"),
    ("What do I do before an earthquake?", "What do I do after an earthquake?"),
    # Names.
    ("Who is the mayor of Paris?", "Who is the mayor of London?"),
    ("Did France beat Spain?", "Did Spain beat France?"),
    ("What does «grep» print?", "What does «sed» print?"),
    ("is NATO older", "is ASEAN older"),
]
TOGETHER = [
    ("What is Python?", "what is   Python?"),
    ("How can I reset my password?", "What is the way to reset my password?"),
    ("Tell me how photosynthesis works.", "Explain how photosynthesis works."),
    ("如何开通会员", "怎么开通会员？"),
    ("How long is 5 km?", "How long is 5km?"),
    ("Don't they eat fish?", "Don’t they eat fish?"),
]


@pytest.mark.parametrize(("one", "other"), APART)
def test_what_differs_where_it_counts_is_kept_apart(one, other):
    assert not may_share(one, other) and not may_share(other, one)


@pytest.mark.parametrize(("one", "other"), TOGETHER)
def test_another_way_to_ask_is_let_through(one, other):
    assert may_share(one, other)


def test_a_safe_loss():
    """What the guards cost: these two mean the same."""
    assert not may_share("Q3预算审批流程", "第三季度预算怎么审批")
