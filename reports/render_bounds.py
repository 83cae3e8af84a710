"""How it is told what became of a bound."""

from reports.bounds import Judged
from reports.metrics import BY_NAME
from reports.render_words import figure


def told(one: Judged) -> str:
    """What it met, against what it was held; or why nothing can be said."""
    unit = BY_NAME[one.bound.left.metric].unit
    return one.why or f"{figure(unit, one.value)} against {figure(unit, one.limit)}"
