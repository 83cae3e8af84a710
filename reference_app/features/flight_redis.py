"""Calls that several processes share: one holds a lease and writes its answer into a stream, the others read it there."""

import asyncio
import uuid
from contextlib import aclosing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from reference_app.call import Account, Call, Chunks, Next, finish_of, is_reset, reset
from reference_app.features.cache import Answer, packed
from reference_app.features.flight import spliced
from reference_app.features.outage import Cooldown, Tolerant
from reference_app.splice import Splice
from reference_app.watch import deadline_exceeded

if TYPE_CHECKING:
    import redis.asyncio

    from reference_app.settings import Settings

PREFIX = "headwind:flight:"
LEASE_S = 2.0
"""A process that died is given up after this."""
BEAT_S = 0.2
"""Between two writes of who leads: what the others read comes in lumps of this."""
POLL_S = 0.1
JOINS = 2


class _Lost(Exception):
    """The other process gave up, died, or says nothing."""


class SharedFlights:
    """Without Redis, or while it is away, each process calls for itself."""

    def __init__(self, client: "redis.asyncio.Redis", settings: "Settings", cooldown: Cooldown) -> None:
        self.client = client
        self.wait_s = settings.single_flight_wait_s
        self.tolerant = Tolerant("flight_outage", settings.redis_timeout_s, cooldown)
        self.followed = 0

    def counters(self) -> dict[str, float]:
        return {"followed_elsewhere": self.followed, "outages": self.tolerant.outages}

    async def through(self, key: str, call: Call, next: Next) -> Chunks:
        """The answer of whichever process has asked first; of `next` where that is this one, or the other one failed."""
        told = Answer()
        for _ in range(JOINS):
            lease = _Lease(self, key, uuid.uuid4().hex)
            holder = await self.tolerant(lease.take, call.account)
            if holder is None:
                break
            if holder == lease.token:
                async with aclosing(_published(next(call), lease, call.account)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                return
            try:
                async with aclosing(self._followed(_Lease(self, key, holder), told, call)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                call.account.served = "shared call"
                self.followed += 1
                return
            except _Lost as lost:
                call.account.log("flight_failed", request_id=call.account.request_id, error=str(lost))
                if told.pieces:
                    # Who has told half of another answer does not lead: the others would read the rest alone.
                    break
        async with aclosing(spliced(next(call), told)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _followed(self, lease: "_Lease", told: Answer, call: Call) -> Chunks:
        account, clock = call.account, asyncio.get_running_loop().time
        splice, patience_until = Splice(told.text, continues=False), clock() + self.wait_s
        while True:
            news = await self.tolerant(lease.read, account)
            if news is None:
                raise _Lost("Redis is away")
            for chunk in lease.chunks_of(news):
                patience_until = clock() + self.wait_s
                account.first_token_s = account.first_token_s or clock()
                account.finish = finish_of(chunk) or account.finish
                for said in splice.take(chunk):
                    told.note(said)
                    yield said
            if lease.ended:
                return
            if clock() >= account.deadline_at:
                raise deadline_exceeded(call)
            if not lease.is_held or clock() >= patience_until:
                raise _Lost("the process that leads is gone" if not lease.is_held else f"no word for {self.wait_s:g} s")
            await asyncio.sleep(POLL_S)


class _Lease:
    """The right to ask, held by one process, and the stream that belongs to it."""

    def __init__(self, shared: SharedFlights, key: str, token: str) -> None:
        self.shared, self.client, self.token = shared, shared.client, token
        self.name = PREFIX + key
        self.stream = f"{self.name}:{token}"
        self.is_held, self.ended = True, False
        self._read_to = "0"

    async def take(self) -> str | None:
        """Whose it is now."""
        taken = await self.client.set(self.name, self.token, nx=True, px=int(LEASE_S * 1000))
        holder = self.token.encode() if taken else await self.client.get(self.name)
        return holder.decode() if isinstance(holder, bytes) else None

    async def write(self, fields: dict[Any, Any], ends: bool) -> None:
        """Nobody else takes a lease that is renewed: it is held as long as its holder lives."""
        kept_ms = int(LEASE_S * 1000)
        async with self.client.pipeline(transaction=False) as batch:
            if fields:
                batch.xadd(self.stream, fields)
                batch.pexpire(self.stream, 2 * kept_ms)
            if ends and "end" not in fields:
                batch.delete(self.name)
            else:
                # Whoever comes just after the end finds the answer until it is in the cache.
                batch.pexpire(self.name, kept_ms // 4 if ends else kept_ms)
            await batch.execute()

    async def read(self) -> list[dict[bytes, bytes]]:
        async with self.client.pipeline(transaction=False) as batch:
            batch.xread({self.stream: self._read_to})
            batch.get(self.name)
            found, holder = await batch.execute()
        self.is_held = holder == self.token.encode()
        # Of one stream: [[name, entries]], or {name: [entries]} where the client speaks the newer protocol.
        entries: list[Any] = [] if not found else found[0][1] if isinstance(found, list) else next(iter(found.values()))[0]
        if entries:
            self._read_to = bytes(entries[-1][0]).decode()
        return [fields for _, fields in entries]

    def chunks_of(self, news: list[dict[bytes, bytes]]) -> list[ChatGenerationChunk]:
        chunks = []
        for fields in news:
            if b"lost" in fields:
                self.is_held = False
            if b"reset" in fields:
                chunks.append(reset())
            if b"text" in fields:
                chunks.append(ChatGenerationChunk(message=AIMessageChunk(content=fields[b"text"].decode())))
            if b"end" in fields:
                self.ended = True
                message = AIMessageChunk(content="", response_metadata={"served_by": "shared call"})
                chunks.append(ChatGenerationChunk(message=message, generation_info=orjson.loads(fields[b"end"])["info"]))
        return chunks


async def _published(source: Chunks, lease: _Lease, account: Account) -> Chunks:
    """The chunks, which others may read in the lease's stream."""
    writer = _Writer(lease, account)
    try:
        async with aclosing(source) as chunks:
            async for chunk in chunks:
                writer.note(chunk)
                yield chunk
        writer.complete = writer.answer.is_complete and not account.degraded
    finally:
        await writer.aclose()


class _Writer:
    """Writes what has come since the last beat."""

    def __init__(self, lease: _Lease, account: Account) -> None:
        self.lease, self.account, self.answer = lease, account, Answer()
        self.complete = False
        self._written = 0
        self._reset = False
        self._task = asyncio.create_task(self._beat())

    def note(self, chunk: ChatGenerationChunk) -> None:
        self.answer.note(chunk)
        if is_reset(chunk):
            self._written, self._reset = 0, True

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await self._write({} if self.answer.only_text else {"lost": "1"})

    async def _write(self, more: dict[str, Any], ends: bool = False) -> None:
        fields, text = dict(more), "".join(self.answer.pieces[self._written :])
        self._written = len(self.answer.pieces)
        if self._reset:
            fields, self._reset = {"reset": "1", **fields}, False
        if text:
            fields["text"] = text
        await self.lease.shared.tolerant(partial(self.lease.write, fields, ends), self.account)

    async def aclose(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        info = self.answer.last.generation_info if self.answer.last else None
        await self._write({"end": packed("", info)} if self.complete else {"lost": "1"}, ends=True)
