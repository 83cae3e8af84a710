"""How well the gate works on a machine: from the noise of a recorded run, simulated."""

from pathlib import Path

from records.bad_input import BadInput
from reports.baseline import read_run
from reports.gated import pairs_of
from reports.power import SURE, Noise, Shares, Simulated, draws, noise_of

MOST_FALSE = 0.01
SAME_APP = ("base", "same")


def measured_noise(path: Path) -> Noise:
    """Of the counted pairs of a run whose arms `base` and `same` are one and the same app."""
    run = read_run(path)
    arms = {arm.name: arm for arm in run.arms}
    counted = (run.manifest.get("gate") or {}).get("counted") or []
    if not set(SAME_APP) <= arms.keys() or len(counted) < 2:
        raise BadInput(f"{path}: has no two pairs of the same app. Record them: headwind gate calibrate")
    base, same = (arms[name] for name in SAME_APP)
    pairs = pairs_of(base.rows, same.rows, counted)
    if any(not pair.requests or max(pair.base_s, pair.candidate_s) >= base.deadline_s for pair in pairs):
        raise BadInput(f"{path}: a P95 is the deadline itself, so how much it varies cannot be seen. Lower the rate")
    return noise_of([pair.log_ratio for pair in pairs])


def tell_power(noise: Noise, tolerance: float, trials: int, seed: int) -> tuple[str, bool]:
    """The figures, and whether the gate is as good as it must be on this machine."""
    simulated = Simulated(draws(noise, trials, seed), tolerance)
    same, slower = simulated.shares(0.0), simulated.shares(2 * tolerance)
    detects = simulated.detects()
    good = same.failed <= MOST_FALSE * trials and slower.failed >= SURE * trials
    lines = [
        f"Noise: the P95s of the same app differ by {noise.sd:.2%} from run to run (standard deviation of the log ratio over "
        f"{len(noise.log_ratios)} pairs), by {noise.high_sd:.2%} at most (95 % sure), which is what is simulated.",
        f"The gate at looks of 6, 9 and 12 pairs, tolerance {tolerance:.0%}, {trials:,} trials each, seed {seed}:",
        _line("the same app", same),
        _line(f"{2 * tolerance:.0%} slower", slower),
        f"The smallest slowdown that it fails in {SURE:.0%} of the trials is {detects:.1%}.",
    ]
    if not good:
        lines.append(
            f"INCONCLUSIVE  That is too much noise for this tolerance: at most {MOST_FALSE:.0%} may be false alarms, at least "
            f"{SURE:.0%} must be detected. Make the load longer, the machine quieter, or the tolerance wider."
        )
    return "\n".join(lines), good


def _line(what: str, shares: Shares) -> str:
    told = {"fails": shares.failed, "passes": shares.passed, "is inconclusive": shares.undecided}
    figures = [f"{verb} {_percent(*shares.share(count))}" for verb, count in told.items()]
    return f"  {what:<14} {', '.join(figures)}"


def _percent(share: float, low: float, high: float) -> str:
    return f"{share:.2%} ({low:.2%} to {high:.2%})"
