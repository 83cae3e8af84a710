"""Faults that raised instead of striking: what they severed says nothing of the app."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd

from reports.arm import Arm

OURS = "bug"
"""Name and kind under which the proxy tells a bug of its own."""
MOST_SHOWN = 200


def errors_of(arm: Arm) -> defaultdict[str, Counter[str]]:
    """For each fault with a bug, what went wrong and how often: every time a call was severed."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    broken = _broken(arm)
    for fault, bug in zip(broken["fault"], broken["bug"], strict=True):
        found[fault][bug] += 1
    return found


def _broken(arm: Arm) -> pd.DataFrame:
    return arm.strikes[arm.strikes["bug"] != ""]


def is_ours(fault: str, kind: str) -> bool:
    return fault == kind == OURS


def bugs(arms: Sequence[Arm]) -> list[str]:
    """A sentence for each fault that has a bug in any arm."""
    of_arm = {arm.name: errors_of(arm) for arm in arms}
    kinds = {fault: kind for arm in arms for fault, kind in _broken(arm)[["fault", "kind"]].itertuples(index=False)}
    return [
        _told(fault, kind, {arm: errors[fault] for arm, errors in of_arm.items() if fault in errors})
        for fault, kind in kinds.items()
    ]


def _told(fault: str, kind: str, errors: Mapping[str, Counter[str]]) -> str:
    who, remedy = f'The fault "{fault}"', "Mend it and run again."
    if is_ours(fault, kind):
        who, remedy = "Headwind's own proxy", "Report it, with the logs/proxy.log of that arm."
    where = " and ".join(f'{calls(of.total())} in arm "{arm}"' for arm, of in errors.items())
    return f"{who} has a bug: {worst(sum(errors.values(), Counter()))}; it severed {where}. {remedy}"


def worst(errors: Counter[str]) -> str:
    """The commonest error, and how many others there were; nothing where there was none."""
    if not errors:
        return ""
    told, others = _short(errors.most_common(1)[0][0]), len(errors) - 1
    return told if not others else f"{told} (and {others} other error{'' if others == 1 else 's'})"


def _short(error: str) -> str:
    # Both ends: the last one says where it broke.
    return error if len(error) <= MOST_SHOWN else f"{error[: MOST_SHOWN // 2]} ... {error[-MOST_SHOWN // 2 :]}"


def calls(count: int) -> str:
    return f"{count:,} call" if count == 1 else f"{count:,} calls"
