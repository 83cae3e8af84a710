"""What a request really cost: the tokens of all its attempts, with estimates for those that told nothing; and their price."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from reference_app.call import Account, Attempt
from reference_app.prices import Prices
from reference_app.tokens import tokens_of_all


@dataclass(frozen=True)
class Cost:
    """In the currency of the price list; None where a model that was paid has no price in it."""

    currency: str | None
    cost: Decimal | None
    cost_wasted: Decimal | None
    """What exceeds one prompt and the answer that the user got."""
    unpriced: tuple[str, ...] = ()
    """Models that were paid and have no price."""

    def as_dict(self) -> dict[str, float | str | None]:
        """As JSON tells it."""
        cost, wasted = (None if one is None else float(one) for one in (self.cost, self.cost_wasted))
        return {"cost": cost, "cost_wasted": wasted, "currency": self.currency}


@dataclass(frozen=True)
class Usage:
    """Tokens over all attempts; the answer has `output_tokens - wasted_output_tokens`. Nothing is spent on a cached one."""

    input_tokens: int
    output_tokens: int
    wasted_output_tokens: int
    attempts: int
    estimated: bool
    paid: Cost | None = None
    """None where there is no price list."""

    @property
    def cost(self) -> Decimal | None:
        return self.paid.cost if self.paid else None

    @property
    def currency(self) -> str | None:
        return self.paid.currency if self.paid else None

    def as_dict(self) -> dict[str, int | bool | float | str | None]:
        """As users are told it."""
        tokens = ("input_tokens", "output_tokens", "wasted_output_tokens", "attempts", "estimated")
        return {name: getattr(self, name) for name in tokens} | (self.paid.as_dict() if self.paid else {})


def usage_of(account: Account) -> Usage:
    """What has been spent; of a request that got no answer, all of it is wasted."""
    # A call that was refused, or never answered, generated nothing; one that was abandoned had its question read, at least.
    spent = [attempt for attempt in account.attempts if attempt.status == 200 or _is_left(attempt)]
    output = sum(_output(attempt) for attempt in spent)
    wasted = min(account.dropped, output) if account.answered else output
    return Usage(
        input_tokens=sum(_input(attempt, spent) for attempt in spent),
        output_tokens=output,
        wasted_output_tokens=wasted,
        attempts=len(account.attempts),
        estimated=any(attempt.tokens_out is None for attempt in spent),
        paid=_cost(spent, output - wasted, account.prices) if account.prices else None,
    )


def _cost(spent: Sequence[Attempt], kept: int, prices: Prices) -> Cost:
    unpriced = tuple(sorted({attempt.model for attempt in spent} - set(prices.models)))
    if unpriced:
        return Cost(None, None, None, unpriced)
    cost = sum((prices.models[one.model].of(_input(one, spent), _output(one)) for one in spent), Decimal(0))
    needed = Decimal(0)
    if kept:
        last = next((one for one in reversed(spent) if not one.abandoned), spent[-1])
        # What it was sent of an answer that had begun is paid once more, and is no part of the prompt.
        needed = prices.models[last.model].of(max(0, _input(last, spent) - last.said_tokens), kept)
    return Cost(prices.currency, cost, max(Decimal(0), cost - needed))


def _is_left(attempt: Attempt) -> bool:
    return attempt.abandoned and attempt.outcome == "cancelled"


def _output(attempt: Attempt) -> int:
    # A chunk is a token, near enough, where the provider had no chance to count.
    return attempt.chunks if attempt.tokens_out is None else attempt.tokens_out


def _input(attempt: Attempt, spent: Sequence[Attempt]) -> int:
    if attempt.tokens_in is not None:
        return attempt.tokens_in
    for other in spent:
        if other.tokens_in is not None:
            return max(0, other.tokens_in - other.said_tokens + attempt.said_tokens)
    return tokens_of_all(attempt.messages)
