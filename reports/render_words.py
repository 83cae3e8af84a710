"""How figures are told to people: here, and nowhere else, seconds become ms and shares become %."""

from dataclasses import dataclass
from math import floor, log10

from reports.compare import Comparison, Difference
from reports.ledger import Success
from reports.metrics import BY_NAME
from reports.prices import prices_of
from reports.recovery import Recovery
from reports.report import ArmReport, Report

UNKNOWN = "–"
SPELT = {word: word.upper() for word in ("p50", "p95", "p99", "ttft", "itl", "tpot", "http", "ok")} | {"1000": "1,000 requests"}
"""Words of metrics' names that people spell otherwise."""
HEADLINES = ("failure_share", "p95_s", "retry_success")
METHODS = {
    "newcombe": "Shares are compared over the same requests: Newcombe's interval for paired proportions (1998, method 10), "
    "p by McNemar's exact test. It takes requests as independent, which those of one run are not quite.",
    "signed_rank": "With six pairs of arms or more, quantiles, means and totals are computed pair by pair. The difference and "
    "the ratio are Hodges and Lehmann's estimates over the pairs (1963; the ratio over logarithms), each with the exact "
    "interval of the signed-rank statistic. They tell of the typical pair, the arms' own figures of all requests together: "
    "what lies between those two may be a little more or less.",
    "blocks": "With fewer pairs, quantiles and means: percentile interval of 1,000 replicates of a paired moving-block "
    "bootstrap over intended time, widened to the figure where that lies outside. Both arms are resampled by the same "
    "stretches of the run, because its requests are not independent.",
}
ONE_PAIR = "With one pair of arms an interval tells the spread within this run, not between runs."


def label(name: str) -> str:
    """A metric's name as people read it: p95_s is P95, ttft_p50_s is TTFT P50."""
    words = name.removesuffix("_s").removesuffix("_per").split("_")
    told = " ".join(SPELT.get(word, word) for word in words)
    told = f"{told} per second" if name.endswith("_per_s") else told
    return told[0].upper() + told[1:]


def figure(unit: str, value: float | None) -> str:
    """A value with its unit."""
    if value is None:
        return UNKNOWN
    if unit == "share":
        return percent(value)
    if unit == "s":
        return seconds(value)
    if unit == "money":
        return money(value)
    if unit in ("per_request", "per_s"):
        return f"{value:,.2f}"
    return f"{value:,.1f}" if unit == "tokens_per_s" else f"{value:,.0f}"


def money(value: float, currency: str = "") -> str:
    """Two decimals; below one, three digits that tell something. The currency only where it is not told beside it anyway."""
    digits = 2 if abs(value) >= 1 or not value else min(9, 2 - floor(log10(abs(value))))
    return f"{value:,.{digits}f} {currency}".rstrip()


def currency(report: Report) -> str:
    """What costs are told in; empty where the run has no price list."""
    prices = prices_of(report.manifest)
    return prices.currency if prices else ""


def seconds(value: float) -> str:
    """Below one second in ms."""
    if abs(value) >= 0.9995:
        return f"{value:,.2f} s"
    return f"{1000 * value:,.1f} ms" if abs(value) < 0.01 else f"{1000 * value:,.0f} ms"


def percent(share: float) -> str:
    """As many digits as it takes to tell nearly all from all, and hardly any from none."""
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    from_the_ends = min(abs(share), abs(1 - share))
    digits = 1 if from_the_ends >= 0.01 else 2 if from_the_ends >= 0.001 else 3
    return f"{100 * share:.{digits}f} %"


def _signed(unit: str, value: float) -> str:
    told = _points(abs(value)) if unit == "share" else figure(unit, abs(value))
    if not any(digit in told for digit in "123456789"):
        return "±0"
    return ("−" if value < 0 else "+") + told


def _points(share: float) -> str:
    """Percentage points; two digits where one would hide what there is."""
    return f"{100 * share:.{1 if share >= 0.01 else 2}f}"


def difference(found: Difference) -> str:
    """The difference alone, with its unit; shares in percentage points."""
    unit = BY_NAME[found.metric].unit
    if found.difference is None:
        return UNKNOWN
    return _signed(unit, found.difference) + (" points" if unit == "share" else "")


def interval(found: Difference) -> str:
    """The 95 % interval of the difference, and of the ratio where there is one."""
    unit = BY_NAME[found.metric].unit
    if found.low is None or found.high is None:
        return ""
    told = f"{_signed(unit, found.low)} to {_signed(unit, found.high)}"
    if found.ratio is None or found.ratio_low is None or found.ratio_high is None or unit == "share":
        return told
    return f"{told}; ×{found.ratio:.2f} ({found.ratio_low:.2f} to {found.ratio_high:.2f})"


def judgement(found: Difference) -> str:
    """better or worse, where the interval leaves no doubt; empty otherwise."""
    better = BY_NAME[found.metric].better
    if not better or found.low is None or found.high is None or found.low <= 0 <= found.high:
        return ""
    return "better" if (found.high < 0) == (better == "low") else "worse"


def survived(found: Recovery | Success) -> str:
    """What became of those who met a fault, never surer than the count allows."""
    trials = found.met - found.rejected
    passed_on = f"{found.rejected:,} rightly rejected" if found.rejected else ""
    if not trials or found.share is None or found.low is None or found.high is None:
        return passed_on or "met by no request"
    told = f"{found.recovered:,} of {trials:,} recovered"
    if found.recovered == trials:
        told += f": at least {floor(1000 * found.low) / 10:g} %"
    elif not found.recovered:
        told += f": at most {-floor(-1000 * found.high) / 10:g} %"
    else:
        told += f": {percent(found.share)} ({percent(found.low)} to {percent(found.high)})"
    return f"{told}; {passed_on}" if passed_on else told


def successes(found: Recovery | Success) -> str:
    """The share that recovered, shortest: at least what the interval's lower end allows, where all did."""
    if found.share is None or found.low is None:
        return UNKNOWN
    return f"≥ {floor(1000 * found.low) / 10:g} %" if found.share == 1 else percent(found.share)


@dataclass(frozen=True)
class Headline:
    """One of the three figures that matter; `before` is None where there is one arm only."""

    label: str
    before: str | None
    after: str
    note: str


def shown_arms(report: Report) -> tuple[ArmReport | None, ArmReport]:
    """The two arms that the headline compares: the reference, and `on` where there is one, else the last."""
    before = report.reference
    others = [arm for arm in report.arms if arm is not before]
    if not others:
        return None, before
    return before, next((arm for arm in others if arm.name == "on"), others[-1])


def headlines(report: Report) -> list[Headline]:
    """Failure share, P95 and retry success, before and after."""
    before, after = shown_arms(report)
    notes = {
        "failure_share": "of users waited too long, or got an error or a broken answer",
        "p95_s": "P95 from intended start, a failure counting as the deadline",
        "retry_success": "of requests that met a fault ended in a right answer in time",
    }
    return [
        Headline(label(name), arm_figure(name, before) if before else None, arm_figure(name, after), notes[name])
        for name in HEADLINES
    ]


def arm_figure(name: str, arm: ArmReport) -> str:
    """A metric of an arm; success after faults never surer than the count allows."""
    if name == "retry_success":
        return successes(arm.overall)
    return figure(BY_NAME[name].unit, arm.metrics[name])


def comparison_of(report: Report, arm: str) -> Comparison | None:
    return next((one for one in report.comparisons if one.other == arm), None)


def methods(report: Report) -> list[str]:
    """How the intervals came about, as sentences; none where nothing is compared."""
    if not report.comparisons:
        return []
    used = {found.method for one in report.comparisons for found in one.differences}
    told = [sentence for name, sentence in METHODS.items() if name in used]
    return told + ([ONE_PAIR] if report.manifest["pairs"] == 1 else [])
