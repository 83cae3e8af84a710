"""The gate's decision: is a candidate slower than its base? Look by look, from the P95s of pairs of runs. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from reports.compare import Ratio
from reports.look import OPEN, Failures, Looked, Pair, Rules, look_at
from reports.verdict import EXIT_CODES


@dataclass(frozen=True)
class Gate:
    """How a candidate stands against its base."""

    state: str
    """pass, fail, inconclusive, vacuous or invalid."""
    base: str
    candidate: str
    tolerance: float
    reasons: tuple[str, ...]
    smallest_effect: float | None = None
    """The smallest slowdown, as a share, that would have failed."""
    pairs: tuple[Pair, ...] = ()
    looks: tuple[Looked, ...] = ()
    needs: int | None = None
    """How many pairs the next look takes; None where more would change nothing."""
    ratio: Ratio | None = None
    """Of the two P95s with its interval from blocks, where there are too few pairs for looks."""
    expected: str = ""
    """What the state must be, where it is the gate itself that is on trial."""

    @property
    def outcome(self) -> str:
        """The state; of a gate on trial, whether it said what it must."""
        if not self.expected or self.state not in ("pass", "fail"):
            return self.state
        return "pass" if self.state == self.expected else "fail"

    @property
    def told(self) -> str:
        """Its reasons in one text; of a gate on trial, first what it said of whom."""
        trial = f"{self.candidate} against {self.base}, which must {self.expected}: {self.state}." if self.expected else ""
        return " ".join([*([trial] if trial else []), *self.reasons])

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]


def decide(
    pairs: Sequence[Pair],
    rules: Rules,
    base: str = "base",
    candidate: str = "candidate",
    invalid: Sequence[str] = (),
    doubts: Sequence[str] = (),
) -> Gate:
    """The verdict, as far as these pairs carry it. `invalid` outweighs all; with `doubts` nothing passes."""
    gate = Gate("inconclusive", base, candidate, rules.tolerance, (), pairs=tuple(pairs))
    if invalid:
        return replace(gate, state="invalid", reasons=tuple(invalid))
    if empty := _empty(pairs):
        return replace(gate, state="vacuous", reasons=empty)
    looks = tuple(_looks(pairs, rules))
    gate = replace(gate, looks=looks, needs=_needs(looks, rules))
    found = _decided(gate, looks[-1], rules) if looks else replace(gate, reasons=(_too_few(len(pairs), rules),))
    return doubted(found, doubts)


def doubted(gate: Gate, doubts: Sequence[str]) -> Gate:
    """What is missing cannot make a slower run good, but it can hide one."""
    if not doubts:
        return gate
    state = "inconclusive" if gate.state == "pass" else gate.state
    return replace(gate, state=state, reasons=(*gate.reasons, *doubts))


def _empty(pairs: Sequence[Pair]) -> tuple[str, ...]:
    if not pairs:
        return ("No pair was run to its end.",)
    without = [str(pair.number) for pair in pairs if not (pair.requests and pair.base_s > 0 and pair.candidate_s > 0)]
    return (f"No request finished on both sides of pair {', '.join(without)}.",) if without else ()


def _looks(pairs: Sequence[Pair], rules: Rules) -> Iterator[Looked]:
    """Every look up to the one that decides."""
    for look in rules.looks:
        if look.pairs > len(pairs):
            return
        seen = look_at(pairs[: look.pairs], look.alpha, rules)
        yield seen
        if _is_last(seen):
            return


def _is_last(seen: Looked) -> bool:
    return seen.state != OPEN or seen.is_blind


def _needs(looks: Sequence[Looked], rules: Rules) -> int | None:
    if len(looks) == len(rules.looks) or (looks and _is_last(looks[-1])):
        return None
    return rules.looks[len(looks)].pairs


def _too_few(pairs: int, rules: Rules) -> str:
    return f"Only {pairs} pair{'s' if pairs != 1 else ''}: the first look takes {rules.looks[0].pairs}."


def _decided(gate: Gate, seen: Looked, rules: Rules) -> Gate:
    effect = smallest_effect(seen, rules.tolerance)
    state = "inconclusive" if seen.state == OPEN else seen.state
    told = [_told(seen, rules), *told_failures(seen.failures, rules.failure_tolerance), *_told_unseen(seen, rules)]
    if state == "inconclusive" and effect is not None:
        told.append(f"The smallest slowdown it could have failed is ratio {1 + effect:.3f}.")
    return replace(gate, state=state, smallest_effect=effect, reasons=tuple(told))


def smallest_effect(seen: Looked, tolerance: float) -> float | None:
    """The least slowdown that would have failed, had it been the same in all pairs, and had they spread as they did.

    A slowdown moves all log ratios alike, and their estimate and its lower bound with them. It fails once that bound is above
    "no change", so when it is larger than the distance between the two; and only beyond the tolerance.
    """
    return max(tolerance, seen.ratio / seen.low - 1) if seen.low is not None else None


def _told(seen: Looked, rules: Rules) -> str:
    low = f"at least {seen.low:.3f}" if seen.low is not None else "without a lower bound"
    high = f"at most {seen.high:.3f}" if seen.high is not None else "without an upper bound"
    sure = f"{(1 - seen.alpha) * 100:.3g} % sure"
    accepted = f"at most {1 + rules.tolerance:.3f} is accepted"
    return f"P95 ratio {seen.ratio:.3f} over {seen.pairs} pairs, {low} and {high} (each {sure}); {accepted}."


def told_failures(found: Failures, most: float) -> list[str]:
    """How failures changed sides; nothing where none did. `most`: by how much their share may grow."""
    if not (found.only_base or found.only_candidate):
        return []
    change = f"{'grew' if found.growth > 0 else 'fell'} by {abs(found.growth) * 100:.2g} points" if found.growth else "stayed"
    accepted = f", at most {most * 100:.2g} are accepted" if found.growth > most else ""
    sides = f"{found.only_candidate} failed in the candidate only, {found.only_base} in the base only"
    return [f"The share of failures {change}{accepted}: of {found.requests} requests {sides} (p = {found.p_more:.2g})."]


def _told_unseen(seen: Looked, rules: Rules) -> list[str]:
    if not seen.unseen:
        return []
    where = f"the candidate's P95 is the deadline of {rules.deadline_s:g} s, and the base's is there or nearly"
    return [f"In {seen.unseen} of {seen.pairs} pairs {where}: nothing slower could have been seen."]
