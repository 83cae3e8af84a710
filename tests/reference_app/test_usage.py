"""What a request cost."""

from langchain_core.messages import HumanMessage

from reference_app.call import Account, Attempt
from reference_app.usage import usage_of


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
