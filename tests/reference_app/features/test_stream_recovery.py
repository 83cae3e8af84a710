"""Whatever happens to a stream, the user reads the whole answer, and no word twice."""

import asyncio
import time
from itertools import cycle

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.outputs import ChatGenerationChunk

from reference_app import features
from reference_app.means import Means
from reference_app.model import ResilientChatModel
from reference_app.settings import Settings
from reference_app.splice import TELLING

WORDS = 6
BREAKS = ("rst", "fin", "clean", "halfline", "error", "junk", "list", "shape")


@pytest.mark.filterwarnings("ignore:Pydantic serializer")
@pytest.mark.parametrize("route", ["/chat/stream", "/chat"])
@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("k", range(WORDS + 1))
def test_a_stream_cut_at_any_place_is_completed(app_with, provider, k, how, route):
    # Without the breaker, which would leave such a provider alone; and to the call, so without a second one at once.
    app = app_with("all,-breaker,-hedge", recovery_base_s=0.001, retry_base_s=0.001, retry_budget_per_s=1000)
    told = app.ask(f"n={WORDS} cut={k} how={how} times=1 by {route}", route)

    assert (told.status, told.text) == (200, provider.words(WORDS))
    assert told.ended in ("done", "json")
    assert len(provider.of(told.request_id)) == 2


@pytest.mark.parametrize("how", ["fin", "clean"])
def test_several_cuts_in_one_answer(app_with, provider, how):
    """Each call gets three more words out."""
    app = app_with("stream_recovery", recovery="continue", recovery_base_s=0.001)
    before = app.counted("stream_recovery")
    told = app.ask(f"n=10 cut=3 how={how}")

    after = app.counted("stream_recovery")
    assert (after["recoveries"] - before["recoveries"], after["recovered"] - before["recovered"]) == (3, 1)
    assert told.text == provider.words(10) and told.ended == "done"
    assert [seen.sent for seen in provider.of(told.request_id)] == [3, 3, 3, 1]


def test_it_gives_up_after_three_recoveries_and_says_so(app_with, provider):
    app = app_with("stream_recovery", recovery="continue", recovery_base_s=0.001)
    before = app.counted("stream_recovery")
    told = app.ask("n=20 cut=3 how=fin")

    grown = {name: value - before[name] for name, value in app.counted("stream_recovery").items()}
    assert grown == {"recoveries": 3, "recovered": 0, "out_of_attempts": 1, "out_of_time": 0, "out_of_budget": 0}
    assert told.text == provider.words(12)
    assert told.ended == "error" and told.end["status"] == 503
    assert len(provider.of(told.request_id)) == 4


def test_the_same_parameters_and_what_was_said_go_along(app_with, provider):
    app = app_with("stream_recovery", recovery="continue")
    told = app.ask("n=6 cut=3 how=fin times=1", temperature=0.3, top_p=0.5, max_tokens=90, seed=7)
    first, second = provider.of(told.request_id)

    assert first.sampling == {"temperature": 0.3, "top_p": 0.5, "max_tokens": 90, "seed": 7}
    # Of one answer: three of the ninety are there.
    assert second.sampling == {**first.sampling, "max_tokens": 87} and second.body["model"] == first.body["model"]
    assert second.body["messages"][:-1] == first.body["messages"]
    assert told.text == provider.words(6) and [first.sent, second.sent] == [3, 3]
    assert (second.body["messages"][-1]["role"], second.body["messages"][-1]["content"]) == ("assistant", provider.words(3))
    assert [seen.attempt for seen in (first, second)] == ["1", "2"]


@pytest.mark.parametrize("how", ["stall", "drip"])
def test_a_stream_without_content_is_taken_for_stalled(app_with, provider, how):
    """Bytes are no progress: what drips in here never becomes a word."""
    app = app_with("stream_recovery,stall_watchdog", stall_s=0.3, first_token_s=0.6)
    began = time.monotonic()
    told = app.ask(f"n=6 cut=3 how={how} times=1")

    assert told.text == provider.words(6) and told.ended == "done"
    assert 0.3 <= time.monotonic() - began < 2
    assert [row["outcome"] for row in app.rows("attempt", told.request_id)] == ["stalled", "ok"]


def test_a_first_token_that_does_not_come_is_asked_for_again(app_with, provider):
    app = app_with("stream_recovery,stall_watchdog", stall_s=0.3, first_token_s=0.6)
    told = app.ask("n=3 first=5 times=1", "/chat")

    assert told.text == provider.words(3) and told.json["served_by"] == "recovery"
    row = app.rows("attempt", told.request_id)[0]
    # By the app's own clock: the provider gets the call some time after the wait for it began.
    assert 0.6 <= row["finished_s"] - row["started_s"] < 1.5
    assert [seen.ended for seen in provider.of(told.request_id)] == ["left", "done"]


def test_a_slow_stream_is_no_stall(app_with, provider):
    told = app_with("stream_recovery,stall_watchdog", stall_s=0.3, first_token_s=0.6).ask("n=5 every=0.2 first=0.5")

    assert told.text == provider.words(5)
    assert len(provider.of(told.request_id)) == 1


@pytest.mark.parametrize("mode", ["restart", "continue"])
@pytest.mark.parametrize("cut", [1, 4])
def test_a_provider_that_begins_again_is_not_heard_twice(app_with, provider, cut, mode):
    told = app_with("stream_recovery", recovery=mode).ask(f"n=8 cut={cut} how=fin times=1 continues=0")

    assert [name for name, _ in told.events] == ["token"] * 8 + ["done"]
    assert told.text == provider.words(8)
    assert told.end["usage"]["wasted_output_tokens"] == cut
    assert told.end["usage"]["output_tokens"] == 8 + cut


@pytest.mark.filterwarnings("ignore:Pydantic serializer")
@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("cut", [0, 4])
def test_whole_the_rest_is_taken_from_an_answer_in_one_piece(app_with, provider, cut, how):
    told = app_with("stream_recovery", recovery="whole", recovery_base_s=0.001).ask(f"n=8 cut={cut} how={how} times=1")
    first, second = provider.of(told.request_id)

    assert told.text == provider.words(8) and told.ended == "done" and told.end["served_by"] == "recovery"
    assert [name for name, _ in told.events].count("token") == cut + 1
    assert first.body["stream"] and not second.body.get("stream") and second.body["messages"] == first.body["messages"]
    assert told.end["usage"]["output_tokens"] == 8 + cut


def test_whole_an_answer_in_other_words_begins_again(app_with, provider):
    app = app_with("stream_recovery", recovery="whole", recovery_base_s=0.001)
    told = app.ask("n=8 cut=4 how=fin times=1 varies=1")

    assert [name for name, _ in told.events] == ["token"] * 4 + ["reset", "token", "done"]
    assert told.text == provider.words(8, "c2-") and app.ask("n=8 cut=4 how=fin times=1 varies=1", "/chat").text == told.text


def test_whole_costs_the_wait_for_the_last_word(app_with, provider):
    """Where the answer takes longer than the silence that the watchdog bears, it is waited for nevertheless."""
    app = app_with("stall_watchdog,stream_recovery", recovery="whole", stall_s=0.2, first_token_s=0.3, recovery_base_s=0.001)
    told = app.ask("n=8 cut=4 how=fin times=1 every=0.05 whole=0.5")

    assert told.text == provider.words(8) and len(provider.of(told.request_id)) == 2


def test_after_a_word_or_two_it_begins_again_rather_than_to_ask_for_more(app_with, provider):
    told = app_with("stream_recovery", recovery="continue").ask("n=8 cut=2 how=fin times=1")
    first, second = provider.of(told.request_id)

    assert second.body["messages"] == first.body["messages"] and told.text == provider.words(8)


class Wordings(BaseChatModel):
    """Attempt k breaks off after `cuts[k]` pieces; it goes on from an unfinished answer, or says `answers[k]` whole."""

    answers: list[str]
    sizes: list[int]
    cuts: list[int]
    continues: bool
    calls: int = 0
    ambiguous: bool = False
    """Some continuation began as the whole answer does: nobody can tell what that is."""

    @property
    def _llm_type(self):
        return "wordings"

    def _generate(self, *_args, **_kwargs):
        raise NotImplementedError

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        text, self.calls = self.answers[min(self.calls, len(self.answers) - 1)], self.calls + 1
        if self.continues and messages[-1].type == "ai":
            said = messages[-1].content
            text = next((answer for answer in self.answers if answer.startswith(said)), said)[len(said) :]
            self.ambiguous = self.ambiguous or text.lstrip()[:TELLING] == said.lstrip()[:TELLING]
        at, pieces, sizes = 0, [], cycle(self.sizes)
        while at < len(text):
            pieces.append(text[at : (at := at + next(sizes))])
        broken = self.calls <= len(self.cuts)
        for piece in pieces[: self.cuts[self.calls - 1]] if broken else pieces:
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        if not broken:
            yield ChatGenerationChunk(message=AIMessageChunk(content=""), generation_info={"done_reason": "stop"})


async def read(wordings):
    """What a user reads at the end, and what stays of a stream's resets: all as one, and piece by piece."""
    settings = Settings(features="stream_recovery", recovery_base_s=1e-6)
    text, question = "", [HumanMessage("?")]
    async for chunk in ResilientChatModel(
        provider=wordings.model_copy(), features=features.build(Means(settings, wordings))
    ).astream(question):
        text = "" if "reset" in chunk.additional_kwargs else text + chunk.text
    whole = await ResilientChatModel(provider=wordings, features=features.build(Means(settings, wordings))).ainvoke(question)
    return whole.text, text


openings = st.text("ab é你\n👋", min_size=TELLING).filter(lambda text: len(text.strip()) >= TELLING)
endings = st.text("ab é你\n👋.", max_size=30)


@given(
    opening=openings,
    endings=st.lists(endings, min_size=1, max_size=4),
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    cuts=st.lists(st.integers(0, 30), min_size=1, max_size=3),
    continues=st.booleans(),
)
@example(opening="Hello, you", endings=[" can"], sizes=[5], cuts=[1], continues=False)
@example(opening="The answer ", endings=["is 42", "was 42"], sizes=[13], cuts=[1], continues=False)
@example(opening="The answer ", endings=["is 42", "was 42"], sizes=[13], cuts=[1], continues=True)
def test_what_is_read_is_one_complete_answer(opening, endings, sizes, cuts, continues):
    """From a provider that goes on, one that says the same again, and one that says it in other words."""
    answers = [opening + ending for ending in endings]
    wordings = Wordings(answers=answers, sizes=sizes, cuts=cuts, continues=continues)
    told = asyncio.run(read(wordings))
    assume(not wordings.ambiguous)

    assert told[0] in answers and told[1] in answers


def test_a_restart_with_other_words_says_that_the_answer_begins_again(app_with, provider):
    app = app_with("stream_recovery", recovery="restart")
    told = app.ask("n=8 cut=4 how=fin times=1 continues=0 varies=1")

    assert [name for name, _ in told.events].count("reset") == 1
    assert told.text == provider.words(8, "c2-") and told.ended == "done"
    assert told.end["usage"]["wasted_output_tokens"] == 4
    assert app.ask("n=8 cut=4 how=fin times=1 varies=1", "/chat").text == provider.words(8, "c2-")


def test_openai_is_asked_to_begin_again_unless_it_is_set_to_continue(app_with, provider):
    """Asked to go on, OpenAI itself would take the half answer for a whole one, and begin the next."""
    told = app_with("stream_recovery").ask("n=8 cut=4 how=fin times=1 by default")
    first, second = provider.of(told.request_id)

    assert told.text == provider.words(8) and told.ended == "done"
    assert (second.body["messages"] == first.body["messages"]) is (provider.api == "openai")


def test_a_provider_that_refuses_to_continue_is_asked_to_begin_again(app_with, provider):
    told = app_with("stream_recovery", recovery="continue").ask("n=8 cut=4 how=fin times=1 refuses=1")

    assert told.text == provider.words(8) and told.ended == "done"
    assert [seen.ended for seen in provider.of(told.request_id)] == ["fin", "refused", "done"]


def test_what_the_recovery_cost_is_told(app_with, provider):
    """12 tokens of prompt twice, 3 words said before the cut as prompt, and 6 words of answer."""
    told = app_with("stream_recovery", recovery="continue").ask("n=6 cut=3 how=fin times=1")

    assert told.end["served_by"] == "recovery" and told.end["degraded"] is False
    assert told.end["usage"] == {
        "input_tokens": 12 + 15,
        "output_tokens": 6,
        "wasted_output_tokens": 0,
        "attempts": 2,
        "estimated": True,
    }


def test_a_finish_without_usage_is_a_whole_answer_with_an_estimate(app_with, provider):
    told = app_with("stream_recovery").ask("n=6 usage=0 tail=rst")

    assert told.text == provider.words(6) and told.ended == "done"
    assert (told.end["usage"]["output_tokens"], told.end["usage"]["estimated"]) == (6, True)


@pytest.mark.parametrize("tail", ["rst", "fin", "stall", "junk"])
def test_what_happens_after_the_last_word_is_nobodys_concern(app_with, provider, tail):
    app = app_with("stream_recovery,stall_watchdog")
    began = time.monotonic()
    told = app.ask(f"n=3 tail={tail}")

    assert told.text == provider.words(3) and told.ended == "done"
    assert time.monotonic() - began < 1.5 and len(provider.of(told.request_id)) == 1
    assert app.rows("attempt", told.request_id)[0]["outcome"] == "ok"


def test_off_the_user_gets_what_plain_langchain_gives(app_with, provider):
    """A cut is an error, and a silently truncated answer looks complete."""
    cut = app_with("none").ask("n=6 cut=3 how=fin")
    truncated = app_with("none").ask("n=6 cut=3 how=clean")

    assert (cut.text, cut.ended, cut.end["status"]) == (provider.words(3), "error", 503)
    assert (truncated.text, truncated.ended) == (provider.words(3), "done")
