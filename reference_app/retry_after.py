"""What a provider's Retry-After asks for."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from Retry-After as seconds or as a date; None without a header that can be read."""
    told = headers.get("retry-after")
    if told is None:
        return None
    try:
        return max(0.0, float(told))
    except ValueError:
        return _until(told, headers.get("date"))


def _until(when: str, now: str | None) -> float | None:
    # Against the provider's own Date: its clock need not agree with ours.
    try:
        return max(0.0, (parsedate_to_datetime(when) - parsedate_to_datetime(now or "")).total_seconds())
    except (ValueError, TypeError):
        return None
