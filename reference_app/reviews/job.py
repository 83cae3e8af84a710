"""One run over a file: from where the last one ended to the end, or to a signal."""

import asyncio
import signal
import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reference_app.call import Account
from reference_app.features import parse
from reference_app.features.as_published import ALONE
from reference_app.log import open_log, silent
from reference_app.redact import secrets_of
from reference_app.reviews.analysis import VERSION
from reference_app.reviews.analyst import Analyst
from reference_app.reviews.asking import Ask, asking
from reference_app.reviews.output import Output, open_output
from reference_app.reviews.pipeline import ProviderDown, Writer, run
from reference_app.reviews.progress import Progress, Spent
from reference_app.reviews.room import AdaptiveRoom, Room
from reference_app.reviews.row import Unusable
from reference_app.reviews.source import Source

if TYPE_CHECKING:
    import httpx

    from reference_app.settings import Settings

DONE, FAILED, BROKEN = 0, 1, 128
SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
NAME_LENGTH = 8


@dataclass
class Job:
    """`concurrency` 0 is adaptive. `again` is the command that goes on."""

    source: Source
    out: Path
    settings: "Settings"
    concurrency: int = 10
    patience_s: float = 60.0
    again: str = ""
    transport: "httpx.AsyncBaseTransport | None" = None
    ask: Ask | None = None
    """Instead of the model."""

    async def run(self) -> int:
        """The exit code; what is to be said is said on standard error."""
        if ALONE in parse(self.settings.features):
            raise Unusable(f"APP_FEATURES: {ALONE} is another app, which analyses no reviews; name features of ours")
        made_from = self._made_from()
        output = open_output(self.out, made_from)
        try:
            total = sum(1 for _ in self.source.rows())
            if output.done >= total:
                _say(f"{self.out} is complete: {_rows(output)}. There is nothing left to do.")
                return FAILED if output.failed else DONE
            if output.done:
                _say(f"{self.out} has {_rows(output)} of {total:,}; going on with row {output.done + 1:,}.")
            return await self._until_told(output, total, str(made_from["input"])[:NAME_LENGTH])
        finally:
            output.close()

    def _made_from(self) -> dict[str, Any]:
        source = self.source
        told = {"input": source.fingerprint(), "format": source.kind, "field": source.field, "id": source.id}
        return {**told, "model": self.settings.model, "analysis": VERSION}

    async def _until_told(self, output: Output, total: int, name: str) -> int:
        """Where a signal comes, all calls are cancelled, and what is written is whole."""
        loop, work = asyncio.get_running_loop(), asyncio.create_task(self._work(output, total, name))
        came: list[signal.Signals] = []

        def leave(sign: signal.Signals) -> None:
            came.append(sign)
            work.cancel()

        for sign in SIGNALS:
            loop.add_signal_handler(sign, leave, sign)
        try:
            await work
        except ProviderDown as error:
            _say(f"Stopped, for the provider fails every row: {error}\n{self._left(output, total)}")
            return FAILED
        except asyncio.CancelledError:
            if not came:
                raise
            _say(f"Stopped by {SIGNALS[came[0]]}.\n{self._left(output, total)}")
            return BROKEN + came[0]
        finally:
            for sign in SIGNALS:
                loop.remove_signal_handler(sign)
        if output.done < total:
            raise Unusable(f"{self.source.path} has changed while it was read: {total:,} rows before, {output.done:,} now")
        _say(f"{self.out} is complete: {_rows(output)}.")
        return FAILED if output.failed else DONE

    async def _work(self, output: Output, total: int, name: str) -> None:
        settings, spent = self.settings, Spent()
        room = Room(self.concurrency) if self.concurrency else AdaptiveRoom(settings)

        def note(account: Account) -> None:
            room.note(account)
            spent.note(account)

        log = open_log(settings.log_path, secrets_of(dict(settings).values())) if settings.log_path else silent
        progress, write = Progress(output, total, spent, sys.stderr), Writer(output)
        telling = asyncio.create_task(progress.run())
        try:
            async with asking(settings, self.transport) as ask:
                analyst = Analyst(self.ask or ask, name, self.patience_s, note, log, settings.max_attempts)
                await run(islice(self.source.rows(), output.done, None), analyst, room, write)
            write.end()
        finally:
            telling.cancel()
            progress.close()

    def _left(self, output: Output, total: int) -> str:
        return f"{self.out} has {_rows(output)} of {total:,}. The same command goes on from there:\n  {self.again}"


def _rows(output: Output) -> str:
    failed = f", {output.failed:,} of them errors" if output.failed else ""
    return f"{output.done:,} row{'s' * (output.done != 1)}{failed}"


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
