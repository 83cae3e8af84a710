"""compress: it wins where long contexts are paid; it costs where what was left out is asked for in other words."""

import re
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from reference_app.features.compress import shorter
from reference_app.features.extract import LAST, joined, pieces_of, question_of, shortened
from reference_app.tokens import tokens_of

ROUTES = pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
MANUAL = """
The heat pump stands outside the house and takes warmth from the air. It was developed for old buildings with large radiators.
The manufacturer is proud of its long history. Founders and family still own most of the shares. The casing is made of steel and
painted grey. Other colours can be ordered. Snow must be removed from the fan before the pump is started. A frozen fan damages
the bearing.

The controller hangs in the hall. It shows the temperature of the water and of the room. A red light means that the pressure of
the refrigerant is too low. In this case only a certified technician may open the circuit. A yellow light means that the filter
is clogged. The filter can be washed with warm water and mild soap. Many owners like the quiet sound of the controller. It won a
prize for its design. The display can be dimmed at night.

The warranty covers the compressor for seven years. Filters and seals are not covered. Claims are sent to the dealer together
with the receipt. The dealer answers within two weeks. Some dealers offer a contract for maintenance. Our customers come from
all over the continent. They tell us that they would buy it again. We thank them for their trust.

Noise is lowest in the night mode. The night mode reduces the power of the compressor. Neighbours seldom complain. The law asks
for a distance of 3 metres to the next plot. The foundation must be level and firm. Gravel lets the water of the defrosting run
off. Vibrations are damped by rubber feet. Children should not climb on the casing. Our brochure shows many fine examples.
"""
FACTS = {
    "What does the red light of the controller mean?": "refrigerant is too low",
    "How can I wash the filter?": "mild soap",
    "How long does the warranty cover the compressor?": "seven years",
    "Where do I send claims for the warranty?": "sent to the dealer",
    "What does the night mode reduce?": "power of the compressor",
    "What distance to the next plot does the law ask for?": "3 metres",
    "What must be removed from the fan?": "Snow must be removed",
    "Can the display be dimmed?": "dimmed at night",
}
IN_OTHER_WORDS = {
    "Is it dangerous for kids?": "Children should not climb",
    "Who possesses the company?": "Founders and family",
    "Can I get it in green?": "Other colours",
    "How soon do I hear from the shop?": "within two weeks",
    "Will the people next door be annoyed?": "Neighbours seldom",
}
COMPRESS = {"compress_above_tokens": 200}


def asking(question, manual=MANUAL):
    return f"Answer by this manual.\n{manual}\n{question} Use one sentence. n=30 counts=1"


def kept(facts, share=0.5):
    texts = {question: shortened(asking(question), share, question_of(asking(question)), True) for question in facts}
    return sum(facts[question] in " ".join(text.split()) for question, text in texts.items()) / len(facts)


@ROUTES
def test_claim_b6_half_the_tokens(app_with, provider, price_list, route):
    """Claimed: -50 % tokens and cost. Of the prompt it is so; the answer is as long, and the dearer part, as it was."""
    question = asking("How can I wash the filter?")
    off = app_with("none", prices=price_list).ask(question, route).end["usage"]
    told = app_with("compress", prices=price_list, **COMPRESS).ask(question, route)
    on = told.end["usage"]
    tokens, cost = (1 - on[name] / off[name] for name in ("input_tokens", "cost"))
    print(
        f"a prompt of {off['input_tokens']} tokens, an answer of 30: prompt -{tokens:.0%}, cost -{cost:.0%} "
        f"({off['cost']:.6f} -> {on['cost']:.6f} EUR; claimed -50 % of both)"
    )

    sent = provider.of(told.request_id)[0].body["messages"][-1]["content"]
    assert "mild soap" in sent and sent.startswith("Answer by this manual.")
    assert sent.endswith("How can I wash the filter? Use one sentence. n=30 counts=1")
    assert 0.35 < tokens < 0.6 and 0.1 < cost < tokens
    assert 0.4 < float(told.headers["x-compressed"]) < 0.65
    (row,) = app_with("compress", prices=price_list, **COMPRESS).rows("compressed", told.request_id)
    assert row["left"] < row["tokens"]


def test_what_is_asked_in_its_own_words_is_kept_and_in_others_may_be_lost():
    """Costs: a detail that shares no word with the question goes with the rest."""
    same, other = kept(FACTS), kept(IN_OTHER_WORDS)
    print(f"facts that are still there at half the tokens: asked in the text's words {same:.0%}, in other words {other:.0%}")

    assert same >= 0.85 and other <= 0.6


def test_a_short_prompt_is_left_as_it_is(app_with, provider):
    """And below the threshold nothing is counted twice."""
    app = app_with("compress", **COMPRESS)
    told = app.ask("n=2 Who wrote Hamlet?")

    assert provider.of(told.request_id)[0].body["messages"][-1]["content"] == "n=2 Who wrote Hamlet?"
    assert "x-compressed" not in told.headers


def test_the_same_prompt_is_the_same_when_it_is_shorter(app_with):
    """So the cache still knows it; and what was saved is counted."""
    app = app_with("compress,cache", **COMPRESS)
    question = asking("Who owns the shares?")

    assert [app.ask(question).end["served_by"] for _ in range(2)] == ["model", "cache"]
    assert app.counted("compress").items() >= {"compressed": 2.0, "failed": 0.0}.items()
    assert app.counted("compress")["saved_tokens"] > 100


def test_chinese_is_made_shorter_by_sentences_as_well():
    """Its sentences end without a blank, and its words have none between them."""
    text = (
        "请总结这份报告。埃尔姆斯特德镇因造船厂而兴。船厂为北方岛屿建造渡轮。大多数家庭在那里工作。秋天常常下雨。灯塔属于镇议会。"
        "议会把灯塔租给艺术家。博物馆展示渡轮模型。游客喜欢那里的面包。街道很窄。港口有许多小船。灯塔属于谁？请用一句话回答。不要猜测。"
    )
    left = shortened(text, 0.6, question_of(text), True)

    assert left.startswith("请总结这份报告。") and left.endswith("灯塔属于谁？请用一句话回答。不要猜测。")
    assert "灯塔属于镇议会。" in left and tokens_of(left) <= 0.65 * tokens_of(text)


def test_only_long_texts_of_user_and_model_are_touched():
    """Never the system prompt, calls of tools and their results, short turns; and whoever asks keeps the end."""
    called = AIMessage(MANUAL, tool_calls=[{"name": "look_up", "args": {}, "id": "1"}])
    messages = [
        SystemMessage(MANUAL),
        HumanMessage(MANUAL),
        AIMessage(MANUAL),
        called,
        ToolMessage(MANUAL, tool_call_id="1"),
        HumanMessage("Short."),
        HumanMessage([{"type": "text", "text": MANUAL}]),
        HumanMessage(asking("Who owns the shares?")),
    ]
    after = shorter(messages, 0.5, shortened)
    changed = [number for number, (one, other) in enumerate(zip(messages, after, strict=True)) if one.text != other.text]

    assert changed == [1, 2, 7]
    assert messages[1].text == MANUAL and all("family still own most of the shares" in after[number].text for number in changed)


TEXTS = st.lists(
    st.sampled_from(
        [
            "The yard was sold.",
            "In 1998 it closed!",
            "Dr. Smith does not agree.",
            "Why?",
            "它在港口。",
            "“是的。”",
            "Seventeen left",
            "These are:",
            "\n- a b c",
            "\n\n",
            "```\nx = 1\n\ny = 'a. B'\n```",
            " ",
            "# Title\n",
            "word " * 160,
        ]
    ),
    max_size=30,
).map(" ".join)


@given(text=TEXTS, share=st.floats(0.05, 0.95), asks=st.booleans())
def test_whatever_the_text_what_stays_stays(text, share, asks):
    """In its order, with all numbers, questions and code; and what is asked for at its end."""
    pieces, left = pieces_of(text, asks), shortened(text, share, question_of(text), asks)

    assert joined(pieces, set(range(len(pieces)))) == text.strip()
    # Not by dividing it again: of "It closed! word", whose middle was left out, no capital tells where a sentence begins.
    assert re.fullmatch(r"\s*".join(f"(?:{re.escape(piece.text)})?" for piece in pieces), left)
    for sign in (r"\d+", r"[?？]", r"```"):
        assert re.findall(sign, left) == re.findall(sign, text)
    assert not asks or left.endswith("".join(piece.gap + piece.text for piece in pieces[-LAST:]).strip())
    assert bool(left) is bool(text.strip()) and tokens_of(left) <= tokens_of(text)


@pytest.mark.parametrize("evil", [".", "。", "a. ", "\n", "```", "? ", "a", "A b. ", ".\t      x", "”。"])
def test_no_text_takes_long(evil):
    """A user's text is divided in the loop that serves all others."""
    text, began = (evil * 32_000)[:32_000], time.monotonic()
    shortened(text, 0.5, question_of(text), True)

    assert time.monotonic() - began < 2


def test_it_does_not_act_where_nothing_is_too_long(app_with):
    """0, which is the default."""
    told = app_with("compress").ask(asking("Who?"))

    assert app_with("compress").request_row(told.request_id)["features"] == []


LINGUA = """
import time

class PromptCompressor:
    def __init__(self, model_name, use_llmlingua2, device_map):
        if model_name == "nowhere":
            raise OSError("nowhere is not a local folder and is not a valid model identifier")
        self.name = model_name

    def compress_prompt(self, context, rate, force_tokens, force_reserve_digit):
        if self.name == "broken":
            raise RuntimeError("out of memory")
        if self.name == "slow":
            time.sleep(1)
        words = context[0].split()
        return {"compressed_prompt": " ".join(words[: max(1, int(rate * len(words)))])}
"""


@pytest.fixture
def lingua(tmp_path, monkeypatch):
    """A package of that name, which leaves out the end of each text: whether LLMLingua chooses well is not ours to test."""
    (tmp_path / "llmlingua.py").write_text(LINGUA)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    yield tmp_path
    sys.modules.pop("llmlingua", None)


def test_lingua_gets_what_may_go_and_no_more(app_with, provider, lingua):
    """Numbers, questions and the end are kept from it."""
    told = app_with("compress", compress_model="good", **COMPRESS).ask(asking("How can I wash the filter?"))
    sent = provider.of(told.request_id)[0].body["messages"][-1]["content"]

    assert sent.startswith("Answer by this manual.") and "3 metres to the next plot" in " ".join(sent.split())
    assert sent.endswith("How can I wash the filter? Use one sentence. n=30 counts=1")
    assert tokens_of(sent) < 0.65 * tokens_of(asking("How can I wash the filter?"))


@pytest.mark.parametrize(("model", "error"), [("broken", "RuntimeError: out of memory"), ("slow", "TimeoutError: ")])
def test_without_its_help_the_prompt_is_sent_as_it_is(app_with, provider, lingua, model, error):
    """Dearer, and answered."""
    app = app_with("compress", compress_model=model, compress_timeout_s=0.2, **COMPRESS)
    told = app.ask(asking("How can I wash the filter?"))

    assert told.text == provider.words(30)
    assert provider.of(told.request_id)[0].body["messages"][-1]["content"] == asking("How can I wash the filter?")
    assert [row["error"] for row in app.rows("compress_failed", told.request_id)] == [error]


def start(*arguments):
    command = [sys.executable, "-m", "reference_app", "--features", "compress", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def test_without_the_package_the_start_says_which_one(monkeypatch):
    """Before anything is started."""
    monkeypatch.setenv("APP_COMPRESS_MODEL", "some/model")
    told = start("--check")

    assert told.returncode == 2 and len(told.stderr.splitlines()) == 1
    assert told.stderr.startswith("APP_COMPRESS_MODEL: some/model needs the package llmlingua, which is not installed: pip")


def test_a_model_that_cannot_be_loaded_is_one_sentence(monkeypatch, lingua):
    """Whatever the library raises."""
    monkeypatch.setenv("APP_COMPRESS_MODEL", "nowhere")
    monkeypatch.setenv("APP_COMPRESS_ABOVE_TOKENS", "100")
    told = start()

    assert told.returncode == 2 and len(told.stderr.splitlines()) == 1
    assert told.stderr.startswith("APP_COMPRESS_MODEL: nowhere cannot be loaded: OSError nowhere is not a local folder")
