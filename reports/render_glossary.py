"""The words of a report, explained: those it uses, and no others."""

from reports.metrics import METRICS
from reports.render_arms import GROUPS, OTHER, heading_of
from reports.render_words import label
from reports.report import Report

Entry = tuple[str, str, str]
"""A word, the name that JSON and bounds know it by or nothing, and what it means."""

WORDS: tuple[Entry, ...] = (
    ("Arm", "", "One configuration of the app under test. The reference arm is the one that all others are held against."),
    ("Pair", "", "One run of each arm under the same seed: the same requests at the same times, in the same weather."),
    ("Weather", "", "All faults that the plan brings. Chance is keyed by request and attempt, so every arm meets the same."),
    ("Request", "", "What one user asked, from the moment the schedule intended it. Its id is the same in every arm."),
    ("Intended start", "", "When the schedule wanted a request sent; waiting for a busy generator or app counts as waiting."),
    ("Deadline", "", "How long a user waits. Who got no right answer by then counts as the deadline in every percentile."),
    ("Call", "", "One request from the app to the provider of the model."),
    ("Attempt", "", "The ordinal of a call under one request: the first try is attempt 1, its retry attempt 2."),
    ("Amplification", "", "Attempts for each request: what one user makes the provider do."),
    ("Fault", "", "An entry of the fault plan: what goes wrong, with which calls, how often. Its kind is how it goes wrong."),
    ("Window", "", "When a fault may strike, if not all the time."),
    ("Planned, struck", "", "Calls that a fault was to break, and those it did: some end before their fault has its chance."),
    ("Met a fault", "", "A request of which at least one call was struck; it counts once, however often it was struck."),
    ("What was tried", "", "Every reason of an attempt beyond the first, and whatever served instead of one: a retry, the "
     "recovery of a broken stream, a hedge (a second call beside a slow first), another model, a cache, a standing answer."),
    ("Recovered", "", "A request that met a fault, and whose user got the right answer in time all the same."),
    ("Rightly rejected", "", "The provider's own refusal (a 4xx) passed on to the user: neither success nor failure."),
    ("Degraded", "", "A right answer of lesser quality, of which the user was told: by a smaller model, or a standing answer."),
    ("Late", "", "A right answer after the deadline: a failure."),
    ("Cut, truncated", "", "An answer that broke off with an error, and one that stopped early as if it were whole."),
    ("Duplicated, garbled", "", "An answer in which something stands twice, and one that is no text of the model's."),
    ("Other question, other parameters", "", "An answer that is whole, but to what was not asked, or not as it was asked."),
    ("Proof", "", "What the embedded model's answers carry, so that all this is seen from their text alone."),
    ("Ledger", "", "What became of every request that met a fault. A waterfall is one of them, on one axis of time."),
    ("Cold, warm", "", "A request that nobody had asked before in its pair, and one that somebody had."),
    ("Gate, look", "", "Whether a candidate is slower than its base, and the numbers of pairs after which that is decided."),
    ("At least 91 %", "", "All recovered, and with so few seen no more can be claimed: the lower end of the 95 % interval."),
    ("95 % interval", "", "Made so that it holds the true figure in 95 of 100 runs like this one."),
    ("Points", "", "Percentage points: from 17 % to 0 % is −17 points."),
    ("Verdict", "", "pass: all bounds hold; fail: one does not; inconclusive: the figures do not suffice to say; vacuous: "
     "nothing was put to the test; invalid: the measurement itself went wrong."),
    ("Quantiles", "", "P95 is what 95 % did not exceed. Nearest rank: the value at index ceil(q·n) − 1 of the n sorted values; "
     "none is interpolated."),
)  # fmt: skip
ORDINARY: Entry = (
    "Ordinary day", "", "What the plan stands for, before its rare faults were made frequent, so that each can be judged."
)  # fmt: skip


def glossary(report: Report) -> list[tuple[str, list[Entry]]]:
    """Words first, then the metrics by their groups."""
    grouped: dict[str, list[Entry]] = {heading: [] for heading in (*GROUPS, OTHER)}
    for metric in METRICS:
        grouped[heading_of(metric.name)].append((label(metric.name), metric.name, metric.sentence))
    words = [*WORDS, ORDINARY] if report.ordinary else list(WORDS)
    return [("Words", words), *((heading, entries) for heading, entries in grouped.items() if entries)]
