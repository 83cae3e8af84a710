"""One attempt at the provider: what every call comes down to, timed, counted and told to the log."""

import asyncio
from contextlib import aclosing
from typing import cast

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from reference_app.call import Account, Attempt, Call, Chunks, current_attempt, finish_of
from reference_app.errors import TruncatedStream, UnreadableAnswer, is_known, outcome_of
from reference_app.provider import whole
from reference_app.watch import deadline_exceeded, is_limited, watched


async def attempt(call: Call) -> Chunks:
    """The chunks of the provider's model as they come, within the limits of the call."""
    clock = asyncio.get_running_loop().time
    if clock() >= call.account.deadline_at:
        raise deadline_exceeded(call)
    this = call.account.begin(call, clock())
    current_attempt.set(this)
    failure: BaseException | None = None
    try:
        async with aclosing(_chunks(call)) as chunks:
            async for chunk in chunks:
                if chunk.text:
                    if not this.chunks:
                        this.first_token_s = clock()
                    this.chunks += 1
                if chunk.generation_info or not chunk.text:
                    _note_end(this, chunk)
                yield chunk
        this.outcome = "ok" if this.finished else "truncated"
        if call.demand_finish and not this.finished:
            raise TruncatedStream("the stream ended without saying that the answer is complete")
    except BaseException as error:
        failure = error
        if call.demand_finish and this.finished and isinstance(error, Exception):
            # The answer is whole; what became of its connection is nobody's concern.
            this.outcome, failure = "ok", None
            return
        this.outcome = outcome_of(error, this.status)
        if call.demand_finish and this.status == 200 and isinstance(error, Exception) and not is_known(error):
            failure = UnreadableAnswer(f"{type(error).__name__}: {error}")
            raise failure from error
        raise
    finally:
        this.finished_s = clock()
        call.account.finish = this.finish or call.account.finish
        for observe in call.observers:
            observe(this, failure)
        tell(call.account, this)
        # A generator left halfway is finalized some time later; the provider is to notice now.
        if this.response is not None:
            await this.response.aclose()
        # An error that its own traceback's frame holds on to would be garbage for the collector to find.
        failure = None


def _chunks(call: Call) -> Chunks:
    if call.whole:
        return watched(whole(call), call) if is_limited(call) else whole(call)
    chunks = cast(Chunks, call.model._astream(call.messages, stop=call.stop, **call.params))
    return watched(chunks, call) if is_limited(call) else chunks


def _note_end(this: Attempt, chunk: ChatGenerationChunk) -> None:
    if (finish := finish_of(chunk)) is not None:
        this.finished, this.finish = True, finish
    usage = chunk.message.usage_metadata if isinstance(chunk.message, AIMessageChunk) else None
    if usage:
        this.tokens_in, this.tokens_out = usage["input_tokens"], usage["output_tokens"]


def tell(account: Account, this: Attempt) -> None:
    """The log, that an attempt has ended, and how."""
    account.first_token_s = account.first_token_s or this.first_token_s
    account.log(
        "attempt",
        request_id=account.request_id,
        attempt=this.number,
        reason=this.reason,
        model=this.model,
        started_s=this.started_s,
        first_token_s=this.first_token_s,
        finished_s=this.finished_s,
        status=this.status,
        outcome=this.outcome,
        tokens_in=this.tokens_in if this.status == 200 else 0,
        tokens_out=this.chunks if this.tokens_out is None else this.tokens_out,
    )
