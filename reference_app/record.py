"""What is told of a request when it is over: its line in the log, and its numbers in /metrics."""

import asyncio
from collections.abc import Sequence

from reference_app.call import Account
from reference_app.metrics import Metrics
from reference_app.usage import usage_of


def record(account: Account, metrics: Metrics, features: Sequence[str], label: str, route: str, status: int) -> None:
    """`label` is the route as it was found, for the metrics; `route` as it was asked for, which may be anything."""
    usage, now = usage_of(account), asyncio.get_running_loop().time()
    outcome = account.outcome or outcome_of(status)
    metrics.end(label, status, outcome, account, usage, now)
    if usage.paid and account.prices:
        account.prices.tell_unknown(usage.paid.unpriced, account.log)
    account.log(
        "request",
        request_id=account.request_id,
        route=route,
        status=status,
        outcome=outcome,
        served_by=account.served_by if account.answered else None,
        degraded=account.degraded,
        features=features,
        attempts=usage.attempts,
        tokens_in=usage.input_tokens,
        tokens_out=usage.output_tokens,
        tokens_wasted=usage.wasted_output_tokens,
        estimated=usage.estimated,
        **(usage.paid.as_dict() if usage.paid else {}),
        started_s=account.started_s,
        first_token_s=account.first_token_s,
        finished_s=now,
    )


def outcome_of(status: int) -> str:
    """The word for it in the log."""
    if status < 400:
        return "ok" if status else "error"
    if status == 504:
        return "timeout"
    return "rejected" if status < 500 and status not in (408, 429) else "http_error"
