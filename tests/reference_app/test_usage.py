"""What a request cost."""

from decimal import Decimal

from langchain_core.messages import HumanMessage

from reference_app.call import Account, Attempt
from reference_app.prices import Price, Prices
from reference_app.usage import Cost, usage_of


def attempt(said=0, status=200, chunks=0, tokens_in=None, tokens_out=None):
    made = Attempt("id", 1, "first", "m", 0.0, [HumanMessage("four words of prompt")], said_tokens=said)
    made.status, made.chunks, made.tokens_in, made.tokens_out = status, chunks, tokens_in, tokens_out
    return made


def test_the_cost_of_a_cut_attempt_is_estimated_from_a_later_one():
    cut, rest = attempt(chunks=5), attempt(said=5, tokens_in=25, tokens_out=7)
    usage = usage_of(Account(0.0, attempts=[cut, attempt(status=503), rest], answered=True, dropped=2))

    assert usage.as_dict() == {
        "input_tokens": 20 + 25,
        "output_tokens": 12,
        "wasted_output_tokens": 2,
        "attempts": 3,
        "estimated": True,
    }


def test_without_an_answer_all_is_wasted():
    usage = usage_of(Account(0.0, attempts=[attempt(chunks=5)]))

    assert (usage.output_tokens, usage.wasted_output_tokens, usage.estimated) == (5, 5, True) and usage.input_tokens > 3


PRICES = Prices("EUR", {"m": Price(Decimal(1), Decimal(10)), "small": Price(Decimal("0.1"), Decimal(1))})


def test_the_cost_of_all_attempts_and_what_of_it_is_wasted():
    """One prompt and the words of the answer are needed; the first prompt, two words, and five sent again were not."""
    cut, rest = attempt(status=200, chunks=5), attempt(said=5, tokens_in=25, tokens_out=7)
    usage = usage_of(Account(0.0, attempts=[cut, attempt(status=503), rest], answered=True, dropped=2, prices=PRICES))

    whole, needed = 20 + 25 + 10 * 12, 20 + 10 * 10
    assert usage.paid == Cost("EUR", Decimal(whole) / 10**6, Decimal(whole - needed) / 10**6)
    assert usage.as_dict()["cost"] == 165e-6


def test_without_an_answer_all_the_money_is_wasted():
    """Also where a sentence of ours was said instead."""
    paid = usage_of(Account(0.0, attempts=[attempt(tokens_in=10, tokens_out=5)], prices=PRICES)).paid

    assert paid is not None and paid.cost == paid.cost_wasted == Decimal("0.00006")


def test_one_model_without_a_price_is_enough_not_to_know():
    """A sum without it would look cheap."""
    unknown = attempt(tokens_in=10, tokens_out=5)
    unknown.model = "unlisted"
    usage = usage_of(Account(0.0, attempts=[attempt(tokens_in=10, tokens_out=5), unknown], answered=True, prices=PRICES))

    assert usage.paid == Cost(None, None, None, ("unlisted",)) and usage.cost is None and usage.currency is None


def test_a_prompt_in_chinese_is_estimated_by_its_signs():
    """Nobody told: a call that was cut before the provider counted. Four characters a token would make it six."""
    cut = attempt(chunks=1)
    cut.messages = [HumanMessage("四个字一个词的规则只适用于英文文本的情况下才对")]

    assert 20 <= usage_of(Account(0.0, attempts=[cut])).input_tokens <= 30
