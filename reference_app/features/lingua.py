"""LLMLingua-2 as a way to make texts shorter: a small model of its own says which words can go. Needs torch, and CPU time."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from typing import Any, ParamSpec, TypeVar

from reference_app.features.extract import Piece, pieces_of

LEAST_SHARE = 0.1
"""However much has to stay, so much is left of the rest: less is no text any more."""
FORCED = ["\n", ".", "!", "?", "。", "！", "？"]

Given = ParamSpec("Given")
Found = TypeVar("Found")


class Lingua:
    """One text at a time, in a thread of its own: meanwhile streams go on. What stays is kept apart, as without it."""

    def __init__(self, model: str, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._compressor = _load(model)
        self._thread = ThreadPoolExecutor(1)

    async def run(self, work: Callable[Given, Found], *given: Given.args, **named: Given.kwargs) -> Found:
        """What `work` returns; TimeoutError where that, or what others have waiting, takes too long."""
        async with asyncio.timeout(self.timeout_s):
            return await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *given, **named))

    def shortened(self, text: str, share: float, _about: str, asks: bool) -> str:
        pieces = pieces_of(text, asks)
        whole, fixed = sum(one.tokens for one in pieces), sum(one.tokens for one in pieces if one.stays)
        rate = max(LEAST_SHARE, (share * whole - fixed) / max(1, whole - fixed))
        out = []
        for stays, run in groupby(pieces, key=lambda piece: piece.stays):
            said = list(run)
            out += [said[0].gap, _text(said) if stays else self._compressed(_text(said), rate)]
        return "".join(out).strip()

    def _compressed(self, text: str, rate: float) -> str:
        told: dict[str, Any] = self._compressor.compress_prompt(
            [text], rate=rate, force_tokens=FORCED, force_reserve_digit=True
        )
        return str(told["compressed_prompt"])

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def _text(pieces: list[Piece]) -> str:
    first, *others = pieces
    return first.text + "".join(one.gap + one.text for one in others)


def _load(model: str) -> Any:
    from llmlingua import PromptCompressor

    try:
        return PromptCompressor(model_name=model, use_llmlingua2=True, device_map="cpu")
    except Exception as error:
        sys.stderr.write(f"APP_COMPRESS_MODEL: {model} cannot be loaded: {type(error).__name__} {str(error)[:300]}\n")
    raise SystemExit(2)
