"""How far it is: a bar where somebody looks at a terminal, and otherwise a line every 10 s."""

import asyncio
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO

from reference_app.call import Account
from reference_app.usage import usage_of

if TYPE_CHECKING:
    from reference_app.reviews.output import Output

BAR_S, LINE_S = 0.5, 10.0


class Spent:
    """What the calls of this run have cost so far."""

    def __init__(self) -> None:
        self.tokens, self.cost, self.currency = 0, Decimal(0), ""

    def note(self, account: Account) -> None:
        """A review's calls have ended."""
        usage = usage_of(account)
        self.tokens += usage.input_tokens + usage.output_tokens
        if usage.cost is not None:
            self.cost, self.currency = self.cost + usage.cost, usage.currency or ""

    def __str__(self) -> str:
        """In money where there is a price list, APP_PRICES, and otherwise in tokens."""
        return f"{self.cost:.4f} {self.currency}" if self.currency else f"{self.tokens:,} tokens"


class Progress:
    """Looks at the output from time to time, so that a row costs nothing."""

    def __init__(self, output: "Output", total: int, spent: Spent, stream: TextIO, line_s: float = LINE_S) -> None:
        self.output, self.total, self.spent, self.stream = output, total, spent, stream
        self._bar: Any = _bar(output.done, total, stream) if _has_room(stream) else None
        self._every_s = BAR_S if self._bar is not None else line_s
        self._began_s, self._before = asyncio.get_running_loop().time(), output.done

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            self.tell()

    def tell(self) -> None:
        output = self.output
        if self._bar is None:
            print(self._line(), file=self.stream, flush=True)
            return
        self._bar.set_postfix_str(f"{output.failed:,} errors, {self.spent}", refresh=False)
        self._bar.update(output.done - self._bar.n)
        self._bar.refresh()

    def close(self) -> None:
        """The last state stays to be read."""
        self.tell()
        if self._bar is not None:
            self._bar.close()

    def _line(self) -> str:
        output = self.output
        took_s = asyncio.get_running_loop().time() - self._began_s
        per_s = (output.done - self._before) / took_s if took_s > 0 else 0.0
        left = f", about {_span((self.total - output.done) / per_s)} left" if per_s and output.done < self.total else ""
        share = f"{100 * output.done / self.total:.1f} %"
        rows = f"{output.done:,} of {self.total:,} rows ({share})"
        return f"{rows}, {per_s:,.1f} rows/s, {output.failed:,} errors, {self.spent}{left}"


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if seconds < 90 else f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _has_room(stream: TextIO) -> bool:
    # Some terminals say that they have no columns; a bar would be without any sign.
    return stream.isatty() and os.get_terminal_size(stream.fileno()).columns > 0


def _bar(done: int, total: int, stream: TextIO) -> Any:
    from tqdm import tqdm  # type: ignore[import-untyped]

    return tqdm(total=total, initial=done, unit=" rows", file=stream, dynamic_ncols=True, mininterval=0)
