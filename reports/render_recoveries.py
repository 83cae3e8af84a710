"""How it is told how soon, after faults had ceased, users were served as before."""

from math import inf
from typing import Any

from reports.render_words import seconds
from reports.report import Report
from reports.time_to_recover import GROUP, TimeToRecover

MOST = 40
"""Lines; of more the longest are shown."""
METHOD = (
    f"After a window in which faults could strike, the time until the first {GROUP} requests in succession failed no more "
    "often and waited no longer, by their P95, than requests did before the first window, and after which no relapse "
    f"followed: no {GROUP} of whom more failed or waited longer than chance explains. What is shorter than these requests last "
    "cannot be told."
)


def tell(report: Report) -> dict[str, Any] | None:
    """What the section shows; None where no window ever ended, or none was."""
    told = [(arm.name, one) for arm in report.arms for one in arm.recoveries]
    if not any(one.to_s is not None for _, one in told):
        return None
    if len(told) > MOST:
        told = sorted(told, key=lambda one: -_length(one[1]))[:MOST]
    left_out = sum(len(arm.recoveries) for arm in report.arms) - len(told)
    more = f" The {MOST} longest are shown; {left_out:,} more are in report.json." if left_out else ""
    return {"lines": [_line(*one, report.manifest["pairs"] > 1) for one in told], "method": METHOD + more}


def _length(one: TimeToRecover) -> float:
    """Unknown is worse than any."""
    return inf if one.seconds is None else one.seconds


def _told(one: TimeToRecover) -> str:
    told = f"after {seconds(one.seconds)}" if one.seconds is not None else f"not known: {one.why}"
    return f"{told}; a first time after {seconds(one.first_back_s)}, then a relapse" if one.first_back_s is not None else told


def _line(arm: str, one: TimeToRecover, in_pairs: bool) -> dict[str, str]:
    until = "on" if one.to_s is None else f"to {one.to_s:.1f} s"
    pair = f"pair {one.pair}, " if in_pairs else ""
    return {
        "arm": arm,
        "window": f"{pair}{one.from_s:.1f} s {until}",
        "faults": ", ".join(one.faults),
        "told": _told(one),
        "by": f"{GROUP} requests within {seconds(one.group_s)}" if one.group_s is not None else "",
    }
