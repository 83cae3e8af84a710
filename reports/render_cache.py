"""How cold and warm requests are told apart."""

from typing import Any

from reports.cold_warm import CachePart
from reports.compare import Comparison
from reports.render_words import difference, figure, interval, judgement
from reports.report import Report

METHOD = (
    "Cold: nobody had asked the same earlier in the pair; warm: somebody had, so a cache could have known. The schedule "
    "tells which, so both arms have the same cold and the same warm requests. The same means the same {same_by}. Seconds "
    "from intended start, a failure counting as the deadline."
)


def tell(report: Report) -> dict[str, Any] | None:
    """What the section shows; None where no cache served anybody."""
    told = [(one, parts) for one in report.comparisons if (parts := _parts(one))]
    if not told:
        return None
    lines = [_line(one, name, part) for one, parts in told for name, part in parts]
    return {"lines": lines, "method": METHOD.format(same_by=told[0][1][0][1].same_by)}


def _parts(one: Comparison) -> list[tuple[str, CachePart]]:
    return [(name, part) for name, part in (("cold", one.cold), ("warm", one.warm)) if part]


def _line(one: Comparison, name: str, part: CachePart) -> dict[str, Any]:
    figures = [
        {
            "reference": figure("s", of.reference),
            "other": figure("s", of.other),
            "difference": difference(of),
            "interval": interval(of).partition(";")[0],
            "judgement": judgement(of),
        }
        for of in (part.p50, part.p95)
    ]
    return {
        "reference": one.reference,
        "other": one.other,
        "part": name,
        "requests": f"{part.requests:,}",
        "served": f"{part.reference_from_cache:,} → {part.other_from_cache:,}",
        "figures": figures,
    }
