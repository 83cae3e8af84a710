"""What a provider's Retry-After asks for."""

from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from math import isfinite


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from OpenAI's retry-after-ms, or Retry-After as seconds or as a date; None where none can be read."""
    told, told_ms = headers.get("retry-after"), headers.get("retry-after-ms")
    with suppress(ValueError):
        if told_ms is not None:
            return _seconds(told_ms) / 1000
    if told is None:
        return None
    try:
        return _seconds(told)
    except ValueError:
        return _until(told, headers.get("date"))


def _seconds(text: str) -> float:
    seconds = float(text)
    if not isfinite(seconds):
        raise ValueError(f"no time to wait: {text}")
    return max(0.0, seconds)


def _until(when: str, now: str | None) -> float | None:
    # Against the provider's own Date: its clock need not agree with ours.
    try:
        return max(0.0, (parsedate_to_datetime(when) - parsedate_to_datetime(now or "")).total_seconds())
    except (ValueError, TypeError):
        return None
