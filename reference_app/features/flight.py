"""One call to the model whose answer several requests read, each from its beginning, as it comes."""

import asyncio
from contextlib import aclosing
from math import isinf

from langchain_core.outputs import ChatGenerationChunk

from reference_app.call import Account, Call, Chunks, reset
from reference_app.features.cache import Answer
from reference_app.splice import Splice
from reference_app.watch import deadline_exceeded


class Flight:
    """Runs in a task of its own, so that it is nobody's: it ends when the last of its readers has left."""

    def __init__(self, call: Call, chunks: Chunks) -> None:
        self.account = call.account
        self.chunks: list[ChatGenerationChunk] = []
        self.error: BaseException | None = None
        self.ended = False
        self.readers = 0
        self._headers_before = set(call.account.headers)
        self._waiting: list[asyncio.Future[None]] = []
        self._task = asyncio.create_task(self._fly(chunks))

    async def _fly(self, chunks: Chunks) -> None:
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    self.chunks.append(chunk)
                    self._tell()
        except BaseException as error:
            self.error = error
        finally:
            self.ended = True
            self._tell()

    def _tell(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()

    def _news(self) -> asyncio.Future[None]:
        """Done with the next chunk, or the end. One for each reader: who is cancelled cancels only what is theirs."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        return waiting

    async def read(self) -> Chunks:
        """For whose call it is. Its failure is theirs."""
        self.readers += 1
        at = 0
        try:
            while True:
                while at < len(self.chunks):
                    at += 1
                    yield self.chunks[at - 1]
                if self.ended:
                    break
                await self._news()
            if self.error is not None:
                raise self.error
        finally:
            await self._leave()

    async def follow(self, call: Call) -> Chunks:
        """For all others: copies, because LangChain writes into the chunks it passes on; and no longer than they may wait."""
        self.readers += 1
        at = 0
        try:
            while True:
                while at < len(self.chunks):
                    at += 1
                    yield _copy(self.chunks[at - 1])
                if self.ended:
                    break
                await self._news_for(call)
            if self.error is not None:
                raise self.error
        finally:
            await self._leave()

    async def _news_for(self, call: Call) -> None:
        deadline_at = call.account.deadline_at
        try:
            async with asyncio.timeout_at(None if isinf(deadline_at) else deadline_at):
                await self._news()
        except TimeoutError:
            raise deadline_exceeded(call) from None

    async def _leave(self) -> None:
        self.readers -= 1
        if self.readers == 0 and not self._task.done():
            if not self.ended:
                self._task.cancel()
            # Until it has told what it spent.
            await asyncio.wait([self._task])

    @property
    def is_left(self) -> bool:
        """Whether it is over, or about to be, because nobody reads it."""
        return self.ended or self._task.cancelling() > 0

    def mark(self, account: Account) -> None:
        """Tells a follower's account what its answer is."""
        lead = self.account
        account.served = lead.served or "shared call"
        account.degraded, account.finish = lead.degraded, lead.finish
        account.headers |= {name: told for name, told in lead.headers.items() if name not in self._headers_before}

    def unmark(self, account: Account) -> None:
        account.served, account.degraded = "", False
        for name in set(self.account.headers) - self._headers_before:
            account.headers.pop(name, None)


def _copy(chunk: ChatGenerationChunk) -> ChatGenerationChunk:
    message = chunk.message.model_copy(update={"id": None})
    return ChatGenerationChunk(message=message, generation_info=chunk.generation_info)


async def spliced(source: Chunks, told: Answer) -> Chunks:
    """The chunks of an answer that begins again, without what was told before; after a reset where it is another."""
    async with aclosing(source) as chunks:
        if not told.only_text:
            told.only_text = True
            told.pieces.clear()
            yield reset()
        splice = Splice(told.text, continues=False)
        async for chunk in chunks:
            for said in splice.take(chunk):
                told.note(said)
                yield said
