"""`[arms] ablate = "on"`: the arms that tell what each feature of one arm is worth, alone and left out."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from records.bad_input import BadInput, unknown
from records.strict import Table

if TYPE_CHECKING:
    from harness.arms import Arm

OFF = "off"
LEAST = 2
"""Of fewer features, on and off tell all."""
ASK_S = 60.0
NAME = re.compile("[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Ablated:
    """The arms of one feature."""

    alone: str
    left_out: str


@dataclass(frozen=True)
class Ablation:
    """Which arms tell what of which feature."""

    on: str
    off: str
    features: dict[str, Ablated]

    def told(self, arms: "Sequence[Arm]") -> dict[str, Any] | None:
        """For the manifest of a run of these arms; None where they are not all there."""
        names = {self.on, self.off, *(name for one in self.features.values() for name in (one.alone, one.left_out))}
        return asdict(self) if names <= {arm.name for arm in arms} else None


def ablate(table: Table, arms: "Sequence[Arm]", own_app: bool) -> "tuple[tuple[Arm, ...], Ablation | None]":
    """All arms of a scenario whose `[arms]` ask for it; the given ones, where they do not or where something is wrong."""
    given = tuple(arms)
    name = table.text("ablate")
    if "ablate" not in table.values or not name:
        return given, None
    full = next((arm for arm in arms if arm.name == name), None)
    if full is None or name == OFF:
        known = [arm.name for arm in arms if arm.name != OFF]
        table.problem("ablate", f'"{OFF}" is what it compares with' if full else unknown("arm", name, known))
        return given, None
    features = _features_of(full, table, own_app)
    off = next((arm for arm in arms if arm.name == OFF), replace(full, name=OFF, features="none"))
    already = () if own_app or off.features == full.features else listed(off.features)
    # Of a feature that "off" has too, such as an app's ordinary habits, only leaving it out tells anything.
    made = Ablation(name, OFF, {one: Ablated(OFF if one in already else f"only-{one}", f"without-{one}") for one in features})
    new = [_alone(full, one, made) for one in features if one not in already]
    new += [_left_out(full, one, features, made, own_app) for one in features]
    taken = {arm.name for arm in arms} & {arm.name for arm in new}
    for clash in sorted(taken):
        table.problem(clash, "is an arm that ablate makes: give yours another name")
    if len(features) < LEAST or taken:
        return given, None
    others = [arm for arm in arms if arm.name not in (OFF, name)]
    # The last arm is the one that whoever names none means.
    return (off, *others, *new, full), made


def _alone(full: "Arm", feature: str, made: Ablation) -> "Arm":
    return replace(full, name=made.features[feature].alone, features=feature)


def _left_out(full: "Arm", feature: str, features: Sequence[str], made: Ablation, own_app: bool) -> "Arm":
    rest = ",".join(one for one in features if one != feature) if own_app else f"{full.features},-{feature}"
    return replace(full, name=made.features[feature].left_out, features=rest)


def _features_of(arm: "Arm", table: Table, own_app: bool) -> tuple[str, ...]:
    """The features of this arm, one by one; none where that is a problem."""
    if not arm.features and not own_app:
        return ()
    try:
        features = _written_out(arm) if own_app else listed(arm.features)
    except BadInput as error:
        table.problems.extend(f"{table.where}.{arm.name}.features: {problem}" for problem in error.problems)
        return ()
    if len(features) < LEAST:
        told = f'"{features[0]}" only' if features else "none"
        table.problem("ablate", f'needs an arm with at least {LEAST} features, and the arm "{arm.name}" has {told}')
    return features


def _written_out(arm: "Arm") -> tuple[str, ...]:
    """Of an app that cannot be asked."""
    words = tuple(dict.fromkeys(word.strip() for word in arm.features.split(",") if word.strip()))
    if words == ("none",):
        return ()
    if any(word in ("all", "none") or word.startswith("-") or not NAME.fullmatch(word) for word in words):
        raise BadInput(f'to ablate it, name each feature of your app, such as "cache,retry", got "{arm.features}"')
    return words


@lru_cache
def listed(features: str) -> tuple[str, ...]:
    """The features that the reference app means by this."""
    asked = subprocess.run(
        [sys.executable, "-m", "reference_app", "--features", features, "--list"],
        capture_output=True,
        text=True,
        timeout=ASK_S,
        check=False,
    )
    if asked.returncode:
        raise BadInput(*asked.stderr.strip().splitlines()[-10:])
    return tuple(asked.stdout.split())
