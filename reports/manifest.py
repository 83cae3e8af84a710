"""The manifest as a report needs it: checked once, refused with every problem at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from records.bad_input import BadInput, unknown
from records.folder import RunFolder
from reports.bounds import parse_bound
from reports.goodput import BOUNDS
from reports.metrics import METRICS

MOST_SHOWN = 80


def read_manifest(folder: RunFolder) -> dict[str, Any]:
    """The manifest of a run's folder; after this nobody checks it again."""
    try:
        found = folder.manifest()
    except OSError as error:
        raise BadInput(f"{folder.path}: not a run's folder ({error.strerror}). Runs are the folders below runs/") from None
    problems = [told for rule in RULES if (told := rule.problem(found))]
    problems += [*_useless_bounds(found), *_useless_comparisons(found), *_useless_reference(found)]
    problems += _useless_ablation(found)
    if problems:
        raise BadInput(*(f"{folder.manifest_path}: {problem}" for problem in problems))
    return found


def is_embedded(manifest: dict[str, Any]) -> bool:
    """Whether the app ran behind our own proxy and model server; a run that does not say so did if it had a plan."""
    told = manifest.get("embedded")
    return bool(manifest.get("plan")) if told is None else bool(told)


def _useless_bounds(manifest: dict[str, Any]) -> list[str]:
    bounds = manifest.get("bounds") or []
    if not (_are_arms(manifest["arms"]) and _are_texts(bounds)):
        return []
    arms, metrics = [arm["name"] for arm in manifest["arms"]], [metric.name for metric in METRICS]
    problems = []
    for text in bounds:
        try:
            parse_bound(text, arms, metrics)
        except ValueError as error:
            problems.append(f"bounds: {error}")
    return problems


def _useless_comparisons(manifest: dict[str, Any]) -> list[str]:
    """A sentence for each side of the gate's comparisons that is no arm."""
    gate = manifest.get("gate") or {}
    if not (_are_arms(manifest["arms"]) and _is_gate(gate)):
        return []
    arms = [arm["name"] for arm in manifest["arms"]]
    sides = [one[side] for one in gate.get("comparisons", []) for side in ("base", "candidate")]
    return [f"gate: {unknown('arm', name, arms)}" for name in sides if name not in arms]


def _useless_reference(manifest: dict[str, Any]) -> list[str]:
    name = manifest.get("reference")
    if not (isinstance(name, str) and _are_arms(manifest["arms"])):
        return []
    arms = [arm["name"] for arm in manifest["arms"]]
    return [] if name in arms else [f"reference: {unknown('arm', name, arms)}"]


def _useless_ablation(manifest: dict[str, Any]) -> list[str]:
    """A sentence for each arm that the ablation names and that is none."""
    told = manifest.get("ablation")
    if not (told and _is_ablation(told) and _are_arms(manifest["arms"])):
        return []
    arms = [arm["name"] for arm in manifest["arms"]]
    names = [told["on"], told["off"], *(one[side] for one in told["features"].values() for side in SIDES)]
    return [f"ablation: {unknown('arm', name, arms)}" for name in dict.fromkeys(names) if name not in arms]


@dataclass(frozen=True)
class Rule:
    """What one key of the manifest must be; null and absent are the same."""

    key: str
    holds: Callable[[Any], bool]
    words: str
    needed: bool = False

    def problem(self, manifest: dict[str, Any]) -> str | None:
        value = manifest.get(self.key)
        if value is None:
            return f"{self.key} is missing, it must be {self.words}" if self.needed else None
        shown = repr(value)
        shown = shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]} …"
        return None if self.holds(value) else f"{self.key} must be {self.words}, got {shown}"


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _are_arms(value: Any) -> bool:
    names = [one.get("name") for one in value if _is_table(one)] if isinstance(value, list) else []
    return bool(names) and _are_texts(names) and all(names) and len(set(names)) == len(value)


def _is_file(value: Any) -> bool:
    return _is_table(value) and isinstance(value.get("text"), str | None)


def _is_plan(value: Any) -> bool:
    faults = value.get("faults", []) if _is_file(value) else None
    return isinstance(faults, list) and all(map(_is_fault, faults))


def _is_fault(value: Any) -> bool:
    named = _is_table(value) and _are_texts([value.get("name"), value.get("kind")])
    timed = _is_window(value.get("during_s")) and isinstance(value.get("on", True), bool) if named else False
    return timed and _is_number(value.get("share", 1.0)) and _is_whole(value.get("spared_of", 0))


def _is_window(value: Any) -> bool:
    """Nothing, or two numbers of seconds; the second is null where it never ends."""
    if value is None:
        return True
    two = isinstance(value, list) and len(value) == 2 and _is_number(value[0])
    return two and (value[1] is None or _is_number(value[1]))


def _are_clocks(value: Any) -> bool:
    wall_s = value.get("wall_s", 0) if _is_table(value) else -1
    # Beyond 1e11 s there is no date.
    return _is_number(wall_s) and bool(0 <= wall_s < 1e11)


def _are_cpu_shares(value: Any) -> bool:
    return _is_table(value) and all(_is_table(of) and all(map(_is_number, of.values())) for of in value.values())


def _are_counts(value: Any) -> bool:
    return _is_table(value) and all(map(_is_whole, value.values()))


def _are_shares(value: Any) -> bool:
    return _is_table(value) and all(_is_number(share) and 0 <= share <= 1 for share in value.values())


def _is_gate(value: Any) -> bool:
    """Its comparisons, looks, tolerances and counted pairs."""
    if not _is_table(value) or not all(map(_is_number, (value.get("tolerance", 0), value.get("failure_tolerance", 0)))):
        return False
    compared, looks, counted = (value.get(key, []) for key in ("comparisons", "looks", "counted"))
    named = _are_tables(compared) and all(_are_texts([one.get("base"), one.get("candidate")]) for one in compared)
    timed = _are_tables(looks) and all(_is_whole(one.get("pairs")) and _is_number(one.get("alpha")) for one in looks)
    return named and timed and isinstance(counted, list) and all(map(_is_whole, counted))


SIDES = ("alone", "left_out")


def _is_ablation(value: Any) -> bool:
    if not (_is_table(value) and _are_texts([value.get("on"), value.get("off")]) and _is_table(value.get("features"))):
        return False
    return all(_is_table(one) and _are_texts([one.get(side) for side in SIDES]) for one in value["features"].values())


def _is_goodput(value: Any) -> bool:
    bounds = [value.get(name) for name in BOUNDS] if _is_table(value) else [0]
    return all(bound is None or (_is_number(bound) and bound > 0) for bound in bounds)


def _is_price_list(value: Any) -> bool:
    named = _is_table(value) and _are_texts([value.get("name"), value.get("currency")])
    models = value.get("models") if named else ()
    return isinstance(models, dict) and all(map(_is_price, models.values()))


def _is_price(value: Any) -> bool:
    prices = [value.get(key, -1) for key in ("input_per_million", "output_per_million")] if _is_table(value) else [-1]
    return all(_is_number(price) and price >= 0 for price in prices)


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_table, value))


RULES = (
    Rule("deadline_s", lambda value: _is_number(value) and value > 0, "a number of seconds above 0", needed=True),
    Rule("pairs", lambda value: _is_whole(value) and value > 0, "a whole number of at least 1", needed=True),
    Rule("arms", _are_arms, "a list of tables, each with a name of its own", needed=True),
    Rule("reference", lambda value: isinstance(value, str), "the name of an arm"),
    Rule("ablation", _is_ablation, "a table of on, off and features, each with the arms alone and left_out"),
    Rule("seed", _is_whole, "a whole number"),
    Rule("plan_seed", _is_whole, "a whole number"),
    Rule("bounds", _are_texts, "a list of texts"),
    Rule(
        "plan",
        _is_plan,
        "a table whose faults each have a name, a kind and a share, [from_s, to_s] for during_s and true or false for on",
    ),
    Rule("scenario", _is_file, "a table with the scenario's text"),
    Rule("clocks", _are_clocks, "a table with wall_s, seconds since 1970"),
    Rule("cpu_share", _are_cpu_shares, "a table of cores used, by arm's folder and process"),
    *(Rule(key, _are_shares, "a table of shares, by arm's folder") for key in ("steal_share", "achieved_share")),
    Rule(
        "gate", _is_gate, "a table of comparisons (base and candidate), looks (pairs and alpha), tolerances and counted pairs"
    ),
    Rule("planned", _are_counts, "a table of whole numbers, by arm's folder"),
    Rule("ended_early", _are_texts, "a list of sentences"),
    Rule("embedded", lambda value: isinstance(value, bool), "true or false"),
    Rule("rate_per_s", _is_number, "a number"),
    Rule("duration_s", _is_number, "a number of seconds"),
    Rule("goodput", _is_goodput, "a table of ttft_s, gap_s and total_s, numbers of seconds above 0"),
    Rule(
        "prices", _is_price_list, "a table with name, currency and models, each with input_per_million and output_per_million"
    ),
    *(Rule(key, _is_table, "a table") for key in ("workload", "model", "machine", "versions", "app")),
)
