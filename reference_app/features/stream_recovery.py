"""stream_recovery: an answer that breaks off, stalls or ends unfinished is completed within the same request."""

from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import count
from math import inf
from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGenerationChunk

from reference_app.backoff import Pauses
from reference_app.call import Call, Chunks, Next, is_reset, is_text
from reference_app.errors import StreamBroken, is_retryable, is_spent, status_of
from reference_app.provider import at_most, limit_of, to_continue
from reference_app.splice import Splice, is_telling

if TYPE_CHECKING:
    from reference_app.means import Means


@dataclass
class _Told:
    """What the user has been told so far."""

    pieces: list[str] = field(default_factory=list)
    only_text: bool = True
    voided: int = 0
    """Pieces that a reset made void."""

    def note(self, chunk: ChatGenerationChunk) -> None:
        if chunk.text:
            self.pieces.append(chunk.text)
        elif is_reset(chunk):
            self.voided += len(self.pieces)
            self.pieces.clear()
        elif not is_text(chunk):
            self.only_text = False


class StreamRecovery:
    """Demands a finish; asks the provider, with the same parameters, to go on where it stopped, to begin again or for all.

    Calls again out of the same budget as `retry`: a provider in trouble does not care why it is called once more.
    """

    def __init__(self, means: "Means") -> None:
        settings = means.settings
        self.mode = settings.recovery
        self.budget = means.retry_budget
        waits = settings.recovery_base_s, settings.recovery_cap_s, settings.retry_after_cap_s
        self.pauses = Pauses(settings.recoveries, *waits, self.budget)
        self.recovered = 0

    def counters(self) -> dict[str, float]:
        return {"recoveries": self.pauses.made, "recovered": self.recovered, **self.pauses.gave_up()}

    async def __call__(self, call: Call, next: Next) -> Chunks:
        self.budget.count(call.account)
        call = wanted = replace(call, demand_finish=True)
        told, splice, mode = _Told(), Splice("", True), self.mode
        if mode == "whole" and "tools" in call.params:
            # Only text is told apart from what was said before.
            mode = "restart"
        try:
            for recovery in count():
                try:
                    async with aclosing(next(wanted)) as chunks:
                        async for chunk in chunks:
                            for said in splice.take(chunk):
                                told.note(said)
                                yield said
                    self.recovered += recovery > 0
                    return
                except Exception as error:
                    refused = _refuses_to_continue(error, wanted)
                    if not (refused or _can_recover(error, told, call)):
                        raise
                    # A provider that refuses to go on with an answer may still begin it again.
                    mode = "restart" if refused else mode
                    await self.pauses.wait(call.account, error, recovery)
                call.account.dropped += splice.give_up()
                call.account.next_reason = "recovery"
                wanted, splice = _again(call, told, mode)
        finally:
            call.account.dropped += splice.give_up() + told.voided


def _can_recover(error: Exception, told: _Told, call: Call) -> bool:
    """Before the first word, what never became a stream is none of ours: that is for retry."""
    broken = isinstance(error, StreamBroken) or bool(call.account.attempts and call.account.last.status == 200)
    return told.only_text and is_retryable(error) and (broken or bool(told.pieces))


def _refuses_to_continue(error: Exception, wanted: Call) -> bool:
    refused = 400 <= (status_of(error) or 0) < 500 and not is_retryable(error) and not is_spent(error)
    return refused and wanted.said_tokens > 0


def _again(call: Call, told: _Told, mode: str) -> tuple[Call, Splice]:
    said = "".join(told.pieces)
    if mode == "whole":
        # Its first word is its last, so that only the deadline can tell that it takes too long.
        return replace(call, whole=True, first_token_s=inf), Splice(said, False)
    # After so little, a provider that begins again instead would sound as if it went on.
    continues = mode == "continue" and is_telling(said)
    if continues:
        messages, params = [*call.messages, AIMessage(said)], call.params | to_continue(call.model)
        call = replace(call, messages=messages, params=params, said_tokens=len(told.pieces))
        if (limit := limit_of(call)) is not None:
            # Of the same answer: what was said counts, too. At least one, which may be its end.
            call = at_most(call, max(1, limit - call.said_tokens))
    return call, Splice(said, continues)
