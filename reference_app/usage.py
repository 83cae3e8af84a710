"""What a request really cost: the tokens of all its attempts, with estimates for those that told nothing."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from langchain_core.messages.utils import count_tokens_approximately

from reference_app.call import Account, Attempt


@dataclass(frozen=True)
class Usage:
    """Tokens over all attempts; the answer has `output_tokens - wasted_output_tokens`. Nothing is spent on a cached one."""

    input_tokens: int
    output_tokens: int
    wasted_output_tokens: int
    attempts: int
    estimated: bool

    def as_dict(self) -> dict[str, int | bool]:
        return asdict(self)


def usage_of(account: Account) -> Usage:
    """What has been spent; of a request that got no answer, all of it is wasted."""
    # A call that was refused, or never answered, generated nothing; one that was abandoned had its question read, at least.
    spent = [attempt for attempt in account.attempts if attempt.status == 200 or _is_left(attempt)]
    output = sum(_output(attempt) for attempt in spent)
    return Usage(
        input_tokens=sum(_input(attempt, spent) for attempt in spent),
        output_tokens=output,
        wasted_output_tokens=min(account.dropped, output) if account.answered else output,
        attempts=len(account.attempts),
        estimated=any(attempt.tokens_out is None for attempt in spent),
    )


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
    return count_tokens_approximately(attempt.messages)
