"""A scenario: one experiment in one TOML file, read once, refused with every problem at once."""

import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from faults.actions import Kind
from faults.found import load_kinds
from faults.plan import Plan
from faults.reading import parse_plan
from harness.ablate import Ablation
from harness.arms import Arm as Arm
from harness.arms import check_name, read_arms, speaking
from harness.own_app import OwnApp, read_app
from model_server.models import plain, twice
from model_server.physics import OWN, RANGES, Physics
from records.bad_input import BadInput
from records.strict import Table
from reports.bounds import parse_bound
from reports.goodput import Goodput, parse_goodput
from reports.metrics import METRICS
from reports.prices import Prices, read_prices
from scenarios.workload import Workload, parse_workload

ROOT = Path(__file__).resolve().parent.parent
SCENARIOS = ROOT / "scenarios"
PLANS = ROOT / "faults" / "plans"
PRICES = SCENARIOS / "prices"
CLAIMS = "claims"
"""The folder of scenarios that put one published claim each to the test; its name is part of theirs."""
APIS = ("ollama", "openai")

Planned = tuple[Path | None, Plan | None, str]
NO_PLAN: Planned = None, None, ""


@dataclass(frozen=True)
class Scenario:
    """One experiment."""

    path: Path
    text: str
    name: str
    summary: str
    seed: int
    plan_seed: int | None
    """Another weather than the plan's own; None: the plan's."""
    pairs: int
    plan_path: Path | None
    plan: Plan | None
    plan_text: str
    faults_dir: Path | None
    """A folder with kinds of the user's own."""
    kinds: tuple[Kind, ...]
    """Those that a plan may name: ours, and those of that folder."""
    workload: Workload
    physics: Physics
    api: str
    """What the model is asked with; in the environment of each arm, too, unless that says otherwise."""
    arms: tuple[Arm, ...]
    bounds: tuple[str, ...]
    app: OwnApp | None = None
    """An app of the user's own; None: the reference app."""
    reference: str = ""
    """The arm that the others are compared with; empty: the first."""
    ablation: Ablation | None = None
    """Which of the arms were made to tell what each feature is worth."""
    goodput: Goodput | None = None
    """What a request must keep to, to be of use; None: nothing is asked for."""
    prices: Prices | None = None
    """What its models cost; None: no cost is told."""

    @property
    def environment(self) -> dict[str, str]:
        """What the scenario itself tells the app of every arm."""
        return speaking(self.api) if self.app is None else {}


def read_scenario(path: str | Path, faults_dir: str | Path = "") -> Scenario:
    """The scenario of a file, or of a name in `scenarios/`; `faults_dir` takes the place of the one it names."""
    path = find(path, SCENARIOS, "scenario")
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not readable as TOML, {error}") from None
    return parse_scenario(values, text, path, faults_dir)


def reseeded(scenario: Scenario, seed: int) -> Scenario:
    """The same scenario with other requests, other physics and other weather."""
    return replace(scenario, seed=seed, plan_seed=seed, physics=replace(scenario.physics, seed=seed))


def find(path: str | Path, home: Path, what: str) -> Path:
    """A file by its path, or by its name in `home`."""
    named = home / f"{path}.toml"
    for candidate in (Path(path), named):
        if candidate.is_file():
            return candidate
    known = ", ".join(names_in(home))
    wrong = "is a folder" if Path(path).is_dir() else f"no such {what}"
    raise BadInput(f"{path}: {wrong}. Give a TOML file, or one of: {known}")


def names_in(home: Path) -> list[str]:
    """What can be named without a path: article, claims/a1."""
    found = [*sorted(home.glob("*.toml")), *sorted((home / CLAIMS).glob("*.toml"))]
    return [file.relative_to(home).with_suffix("").as_posix() for file in found]


def parse_scenario(values: object, text: str, path: Path, faults_dir: str | Path = "") -> Scenario:
    problems: list[str] = []
    table = Table(str(path), values, problems)
    found = _read_faults_dir(table, path, faults_dir)
    kinds = load_kinds(found or "", problems)
    plan_path, plan, plan_text = _read_plan(table, path, kinds)
    model = table.table("model")
    api = model.choice("api", "ollama", APIS, "known API")
    app = read_app(table, path)
    arms, ablation = read_arms(table, {} if app else speaking(api), app is not None)
    named = [arm.name for arm in arms]
    reference = table.choice("reference", named[0], named, "arm") if named else table.text("reference")
    seed, name = table.number("seed", 7, 0, whole=True), table.text("name", path.stem)
    check_name(table, "name", name)
    scenario = Scenario(
        path=path,
        text=text,
        name=name,
        summary=table.text("summary"),
        seed=seed,
        plan_seed=table.number("plan_seed", None, 0, whole=True),  # type: ignore[arg-type]
        pairs=table.number("pairs", 1, 1, 100, whole=True),
        plan_path=plan_path,
        plan=plan,
        plan_text=plan_text,
        faults_dir=found,
        kinds=kinds,
        workload=parse_workload(table.table("workload")),
        physics=_read_physics(model, seed),
        api=api,
        arms=arms,
        bounds=_read_bounds(table.table("bounds"), named),
        app=app,
        reference=reference,
        ablation=ablation,
        goodput=parse_goodput(table),
        prices=_read_prices(table, path),
    )
    table.close()
    if problems:
        raise BadInput(*problems)
    return scenario


def with_plan(scenario: Scenario, name: str) -> Scenario:
    """The same scenario with another plan, by its path or its name."""
    path, plan, text = read_planned(find(name, PLANS, "plan"), scenario.kinds)
    return replace(scenario, plan_path=path, plan=plan, plan_text=text)


def read_planned(path: Path, kinds: Iterable[Kind]) -> Planned:
    """A plan with its text, read once: what is kept with the run is what was parsed."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not readable, {error}") from None
    return path, parse_plan(text, str(path), kinds), text


def _read_faults_dir(table: Table, path: Path, instead: str | Path) -> Path | None:
    """The folder of the user's kinds, if there is one; a scenario names it as seen from where it lies."""
    named = table.text("faults_dir")
    if str(instead):
        return Path(instead)
    return path.parent / named if named else None


def _read_plan(table: Table, path: Path, kinds: Iterable[Kind]) -> Planned:
    name = table.text("plan")
    if not name:
        return NO_PLAN
    beside = path.parent / name
    try:
        found = beside if beside.is_file() else find(name, PLANS, "plan")
    except BadInput as error:
        table.problem("plan", str(error))
        return NO_PLAN
    try:
        return read_planned(found, kinds)
    except BadInput as error:
        table.problems.extend(error.problems)
        return NO_PLAN


def _read_prices(table: Table, path: Path) -> Prices | None:
    """The price list that a scenario names: as seen from where it lies, else one of ours."""
    name = table.text("prices")
    if not name:
        return None
    beside = path.parent / name
    try:
        return read_prices(beside if beside.is_file() else find(name, PRICES, "price list"), table.problems)
    except BadInput as error:
        table.problem("prices", str(error))
        return None


def _read_physics(table: Table, seed: int) -> Physics:
    read: dict[str, Any] = {"seed": seed}
    for name, default in asdict(Physics()).items():
        if name in ("seed", "also"):
            continue
        if isinstance(default, str):
            read[name] = table.text(name, default)
        else:
            read[name] = table.number(name, default, *RANGES[name], whole=isinstance(default, int))
    first = Physics(**read)
    also = tuple(_read_also(one, first) for one in table.table("also").each())
    for name in twice(also):
        table.problem("also", f'"{name}" is there already: with ":latest" or without is the same model')
    table.close()
    return replace(first, also=also)


def _read_also(table: Table, first: Physics) -> Physics:
    """A model beside the first one: what it leaves out is as there."""
    defaults = {name: getattr(first, name) for name in OWN}
    own = {
        name: table.number(name, default, *RANGES[name], whole=isinstance(getattr(Physics, name), int))
        for name, default in defaults.items()
    }
    if not table.name.strip() or len(table.name.split()) > 1:
        table.problem("", "a model's name must not be blank, nor hold blanks")
    if plain(table.name) == plain(first.model):
        table.problem("", f'is the model "{first.model}" itself: give this one a name of its own')
    table.close()
    return replace(first, model=table.name, **own)


def _read_bounds(table: Table, arms: list[str]) -> tuple[str, ...]:
    bounds = []
    for name in table.values:
        text = table.text(name)
        try:
            parse_bound(text, arms, [metric.name for metric in METRICS])
            bounds.append(text)
        except ValueError as error:
            table.problem(name, str(error))
    return tuple(bounds)
