"""The arms of a scenario: each one configuration of the app under test."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.ablate import Ablation, ablate
from records.strict import Table

NAME = re.compile("[A-Za-z0-9_-]+")
PROVIDER = "APP_PROVIDER"
"""The app's variable that says which of them its provider speaks."""


@dataclass(frozen=True)
class Arm:
    """One configuration of the app under test."""

    name: str
    features: str
    environment: Mapping[str, str]
    folder: Path | None = None
    """Where the code of its app is, and where it is started; None: wherever the command was called."""
    plain: bool = False
    """Without the scenario's plan: what strikes the other arms spares this one."""


def speaking(api: str) -> dict[str, str]:
    """What the reference app is told of its provider's API; nothing of Ollama's, which is its default."""
    return {} if api == "ollama" else {PROVIDER: api}


def read_arms(scenario: Table, environment: Mapping[str, str], own_app: bool) -> tuple[tuple[Arm, ...], Ablation | None]:
    """The arms of `[arms]`, those that `ablate` makes among them; an app of the user's own need not know features."""
    arms, table = [], scenario.table("arms")
    table.asked.add("ablate")
    for entry in (table.table(name) for name in table.values if name != "ablate"):
        check_name(entry, "", entry.name)
        own = entry.table("environment")
        variables = {name: own.text(name) for name in own.values}
        features, plain = entry.text("features", required=not own_app), not entry.flag("faults", True)
        arms.append(Arm(entry.name, features, {**environment, **variables}, plain=plain))
        entry.close()
    if not arms:
        table.problem("", 'names no arm; write for example [arms.off] with features = "none"')
    return ablate(table, arms, own_app)


def check_name(table: Table, key: str, name: str) -> None:
    """Names become folders, and words of bounds."""
    if not NAME.fullmatch(name):
        table.problem(key, f'"{name}" must be made of letters, digits, "_" and "-"')
