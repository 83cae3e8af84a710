"""What came back to a caller, in a few words. Pure."""

from dataclasses import dataclass

from records.proof import check

RIGHT, LATE, SILENT, WRONG, PARTIAL, RAISED, HUNG = range(7)
"""How bad it is for who called: from right to never."""
LATE_S = 0.2
"""More than an undisturbed call takes; longer is told as late."""
WAITED_OUT = ("ReadTimeout", "APITimeoutError", "OpenAITimeoutError", "ConnectTimeout")
TOLD = {
    "truncated": "cut answer, no error",
    "duplicated": "doubled text, no error",
    "garbled": "garbled text, no error",
    "wrong": "wrong text, no error",
}


@dataclass(frozen=True)
class Seen:
    """What one call came to."""

    text: str = ""
    """All that was said before it ended."""
    error: BaseException | None = None
    took_s: float = 0.0
    first_s: float | None = None
    """When the first text came."""
    arguments: str | None = None
    """Of a tool call: "good", or what is wrong with them; None where there is no tool call."""


def judge(seen: Seen, question: str, tools: bool, usual: Seen, patience_s: float) -> tuple[int, str]:
    """How bad it is, and in words; `usual` is an undisturbed call, `patience_s` the timeout it was given."""
    if seen.error is not None:
        return _raised(seen, patience_s)
    if tools:
        return _called(seen)
    outcome = check(seen.text, question).outcome
    if outcome != "ok":
        return (
            SILENT if outcome == "truncated" else WRONG
        ), f"**{'empty answer, no error' if not seen.text else TOLD[outcome]}**"
    late_s = seen.took_s - usual.took_s
    told = f"right, {late_s:.1f} s late" if late_s > LATE_S else "right"
    at_once = _spread_s(seen) < _spread_s(usual) / 3
    return (LATE if late_s > LATE_S or at_once else RIGHT), told + (", all at once" if at_once else "")


def _spread_s(seen: Seen) -> float:
    """Between the first text and the end."""
    return seen.took_s - (seen.took_s if seen.first_s is None else seen.first_s)


def _raised(seen: Seen, patience_s: float) -> tuple[int, str]:
    name, said = type(seen.error).__name__, " after part of the answer" if seen.text else ""
    if isinstance(seen.error, TimeoutError) and seen.took_s > patience_s:
        # Ours: the caller's own timeout had not ended it.
        return HUNG, f"**silence that its timeout does not end**{said}"
    if name in WAITED_OUT and seen.took_s > 0.9 * patience_s:
        return HUNG, f"silence until `{name}`{said}"
    return (PARTIAL if said else RAISED), f"`{_named(seen.error)}`{said}"


def _named(error: BaseException | None) -> str:
    """The class, with the status where it tells one."""
    status = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    module = type(error).__module__.partition(".")[0]
    # The classes of the client's own library stand for themselves.
    name = (
        type(error).__name__ if module in ("openai", "ollama", "builtins", "__main__") else f"{module}.{type(error).__name__}"
    )
    return f"{name}({status})" if status not in (None, -1) else name


def _called(seen: Seen) -> tuple[int, str]:
    if seen.arguments is None:
        return SILENT, "**no tool call, no error**"
    return (RIGHT, "right") if seen.arguments == "good" else (WRONG, f"**{seen.arguments}**")


def worst(told: list[tuple[int, str]]) -> str:
    """Of several callers at once, what the unluckiest saw."""
    return max(told)[1]
