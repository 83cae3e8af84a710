"""Asks the model about one review, with one repair; waits while it is the provider that fails, and says so in the end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from reference_app.backoff import full_jitter
from reference_app.call import Account, current_account
from reference_app.errors import DeadlineExceeded, Refused, is_known, is_spent, status_of, told_as
from reference_app.features.fallback import is_no_fault_of_the_user
from reference_app.log import Log, silent
from reference_app.reviews.analysis import Analysis, NotAnAnalysis, parse, question_about, repair_of
from reference_app.reviews.asking import Ask
from reference_app.reviews.row import Row

BASE_S, CAP_S = 0.5, 10.0
"""Of the pauses before a review is asked about again."""
LATE_TRIES = 2
"""After so many deadlines in a row, it is the review that takes so long."""


@dataclass(frozen=True, slots=True)
class Told:
    """The line about a row."""

    line: dict[str, Any]
    worked: bool | None = None
    """Whether the provider did; False where any other row would have failed as well, None where it was not asked."""


@dataclass(frozen=True, slots=True)
class Failed:
    """No analysis yet; what to say should there be none, and whether it may pass after some seconds."""

    error: Exception
    given_up: Told
    may_pass: bool
    wait_s: float


@dataclass
class Analyst:
    """`name` begins the ids of its requests, `note` sees each account when it is over."""

    ask: Ask
    name: str
    patience_s: float = 60.0
    note: Callable[[Account], None] = lambda _: None
    log: Log = silent
    max_attempts: int = 8

    async def __call__(self, row: Row) -> Told:
        """Never raises, but for a cancellation."""
        if row.problem:
            return _error(row, row.problem)
        clock = asyncio.get_running_loop().time
        until, late = clock() + self.patience_s, 0
        for tries in count(1):
            told = await self._try(row, tries)
            if isinstance(told, Told):
                return told
            late = late + 1 if isinstance(told.error, DeadlineExceeded) else 0
            if not told.may_pass or late >= LATE_TRIES or clock() + told.wait_s > until:
                return told.given_up
            await asyncio.sleep(told.wait_s)
        raise AssertionError("it counts for ever")

    async def _try(self, row: Row, tries: int) -> Told | Failed:
        account = self._account(row, tries)
        try:
            return _analysis(row, await self._analyse(row.text, account), account)
        except NotAnAnalysis as error:
            return _error(row, str(error), worked=True)
        except Exception as error:
            return self._failed(row, error, account, tries)
        finally:
            await account.aclose()
            self.note(account)

    def _account(self, row: Row, tries: int) -> Account:
        again, now_s = f"-{tries}" if tries > 1 else "", asyncio.get_running_loop().time()
        account = Account(now_s, f"{self.name}-{row.number:07}{again}", self.log, self.max_attempts)
        current_account.set(account)
        return account

    async def _analyse(self, review: str, account: Account) -> Analysis:
        asked = question_about(review)
        answer = await self.ask(asked)
        account.answered = True
        try:
            return parse(answer)
        except NotAnAnalysis as wrong:
            return parse(await self.ask(repair_of(asked, answer, str(wrong))))

    def _failed(self, row: Row, error: Exception, account: Account, tries: int) -> Failed:
        if not is_known(error):
            self.log("unexpected", request_id=account.request_id, exc_info=error)
        sentence = told_as(error, account.last.status if account.attempts else 0)[1]
        of_provider = is_no_fault_of_the_user(error)
        given_up = _error(row, sentence, None if _is_refused_here(error) else not (of_provider or _is_of_every_row(error)))
        return Failed(error, given_up, of_provider and not is_spent(error), _wait_s(error, account, tries))


def _is_refused_here(error: Exception) -> bool:
    return isinstance(error, Refused) and error.status < 500


def _is_of_every_row(error: Exception) -> bool:
    """A wrong key, a missing model, a bug."""
    return status_of(error) in (401, 403, 404) or not is_known(error)


def _wait_s(error: Exception, account: Account, tries: int) -> float:
    asked_s = error.retry_after_s if isinstance(error, Refused) else account.last.retry_after_s if account.attempts else None
    return (asked_s or 0.0) + full_jitter(account.request_id, tries, BASE_S, CAP_S)


def _analysis(row: Row, found: Analysis, account: Account) -> Told:
    return Told(_named(row) | found.model_dump() | ({"degraded": True} if account.degraded else {}), worked=True)


def _error(row: Row, sentence: str, worked: bool | None = None) -> Told:
    # A provider's words may hold half a character, which cannot be written.
    return Told(_named(row) | {"error": sentence.encode("utf-8", "replace").decode()}, worked)


def _named(row: Row) -> dict[str, Any]:
    return {"row": row.number} if row.id is None else {"row": row.number, "id": row.id}
