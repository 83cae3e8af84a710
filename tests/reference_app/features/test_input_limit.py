"""input_limit: it wins where a prompt is too dear; it costs where the estimate counts more than the provider would."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from reference_app.tokens import PER_BLOCK, PER_MESSAGE, tokens_of, tokens_of_all

ROUTES = pytest.mark.parametrize("route", ["/chat", "/chat/stream"])


@ROUTES
def test_a_prompt_that_is_too_long_is_refused_before_it_is_paid(app_with, provider, price_list, route):
    """Wins: no call, no cost, and a sentence that says by how much."""
    app = app_with("input_limit", input_limit_tokens=100, prices=price_list)
    fits, too_long = app.ask("n=2 counts=1 " + "word " * 80, route), app.ask("n=2 counts=1 " + "word " * 800, route)
    without = app_with("none", prices=price_list).ask("n=2 counts=1 " + "word " * 800, route)

    assert (fits.status, too_long.status, without.status) == (200, 413, 200)
    assert too_long.json["error"] == (
        "The question, with all that is sent along, has about 810 tokens and may have 100: leave out about 710 of them."
    )
    assert provider.of(too_long.request_id) == []
    row = app.request_row(too_long.request_id)
    assert (row["status"], row["outcome"], row["tokens_in"]) == (413, "rejected", 0)
    assert app.counted("input_limit")["refused"] >= 1
    print(f"a prompt of 802 tokens: refused at no cost; without the limit {without.end['usage']['cost']:.6f} EUR")


def test_it_does_not_act_where_there_is_no_limit(app_with):
    """0, which is the default."""
    told = app_with("input_limit").ask("n=1 " + "word " * 5000)

    assert told.status == 200 and app_with("input_limit").request_row(told.request_id)["features"] == []


def test_chinese_is_counted_by_its_signs(app_with):
    """Four characters a token, the usual rule, would let four times as much through."""
    app = app_with("input_limit", input_limit_tokens=100)

    assert [app.ask("n=2 " + "字" * count).status for count in (80, 100, 120)] == [200, 413, 413]


def test_a_prompt_that_the_provider_counts_lower_is_refused_all_the_same(app_with, provider):
    """Costs: an estimate errs; signs in a row are one token for many models, and one each here."""
    question = "n=2 counts=1 " + "-" * 120
    told = app_with("input_limit", input_limit_tokens=100).ask(question)
    counted = app_with("none").ask(question).end["usage"]["input_tokens"]
    print(f"a line of 120 strokes: estimated at {tokens_of(question)} tokens and refused; the provider counts {counted}")

    assert told.status == 413 and counted < 100


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("", 0, 0),
        ("How many people live in this house?", 7, 10),
        ("incomprehensibilities", 3, 6),
        ("那里住着多少人?", 7, 9),
        ("서울에는 사람이 얼마나 사나요", 12, 16),
        ("Сколько человек живёт здесь", 7, 14),
        ("1234567890", 3, 5),
        ("x = f(y)\n", 5, 9),
        ("🙂" * 5, 5, 15),
    ],
)
def test_estimates_by_script(text, least, most):
    """Within the range of what tokenizers of the day make of it."""
    assert least <= tokens_of(text) <= most


def test_all_messages_count():
    """Who speaks costs some tokens, too, and a picture what a small one costs."""
    messages = [SystemMessage("Be kind."), HumanMessage("Who?"), AIMessage("You.")]
    picture = HumanMessage([{"type": "text", "text": "Who?"}, {"type": "image_url", "image_url": {"url": "data:"}}])

    assert tokens_of_all(messages) == 3 * PER_MESSAGE + tokens_of("Be kind.") + tokens_of("Who?") + tokens_of("You.")
    assert tokens_of_all([picture]) == PER_MESSAGE + tokens_of("Who?") + PER_BLOCK
