"""What a scenario will ask of the provider, known before it runs; and the shares that bring rare faults into so short a run."""

from collections import Counter
from dataclasses import replace
from itertools import chain

import orjson

from faults.actions import Request
from faults.chances import Foreseen
from faults.plan import Plan
from faults.strata import raised
from harness.scenario import Scenario
from model_server.physics import Physics
from records.bad_input import BadInput
from scenarios.workload import due

OLLAMA, OPENAI = "/api/chat", "/v1/chat/completions"
"""Where the reference app asks its provider; streamed for every task."""


def foresee(scenario: Scenario) -> Foreseen:
    """The first attempts of one arm, over all its pairs, as the proxy will see them; none where there is no schedule.

    Of the first arm, should they ask different providers. None of an app of the user's own: what it asks is its own affair.
    """
    openai = scenario.arms[0].environment.get("APP_PROVIDER") == "openai"
    pairs = range(1, scenario.pairs + 1) if scenario.workload.rate_per_s and not scenario.app else ()
    calls = chain.from_iterable(_calls(scenario, pair, OPENAI if openai else OLLAMA) for pair in pairs)
    return Foreseen(tuple(calls), *_answer(scenario.physics, openai), scenario.workload.deadline_s)


def _calls(scenario: Scenario, pair: int, path: str) -> list[Request]:
    arrivals = list(due(scenario.workload, scenario.seed, pair))
    first_s = arrivals[0].offset_s if arrivals else 0.0
    model = scenario.physics.model
    return [
        Request(
            arrival.request_id,
            at_s=arrival.offset_s - first_s,
            path=path,
            model=model,
            headers={"content-type": "application/json", "x-request-id": arrival.request_id, "x-attempt": "1"},
            body=orjson.dumps({"model": model, "messages": [{"role": "user", "content": arrival.question}], "stream": True}),
        )
        for arrival in arrivals
    ]


def _answer(physics: Physics, openai: bool) -> tuple[str, tuple[bytes, ...]]:
    """Its sort, and as many messages as the model's answers have, mark and seal among them, and its end."""
    texts = [f" {number}:word" for number in range(physics.words + 2)]
    if not openai:
        lines = [{"message": {"role": "assistant", "content": text}, "done": not text} for text in [*texts, ""]]
        return "application/x-ndjson", tuple(orjson.dumps(line) + b"\n" for line in lines)
    deltas = [{"delta": {"content": text}, "finish_reason": None} for text in texts]
    frames = [{"choices": [choice]} for choice in [*deltas, {"delta": {}, "finish_reason": "stop"}]]
    return "text/event-stream", tuple(b"data: " + data + b"\n\n" for data in [*map(orjson.dumps, frames), b"[DONE]"])


def plan_of(scenario: Scenario) -> Plan:
    """The plan with the seed that it is drawn with."""
    plan = scenario.plan or Plan()
    return plan if scenario.plan_seed is None else replace(plan, seed=scenario.plan_seed)


def spared(scenario: Scenario) -> dict[str, int]:
    """The faults that the draw spares every first attempt of, though they are meant for some: for how many each."""
    plan, meant, drawn = plan_of(scenario), Counter[str](), Counter[str]()
    for call in foresee(scenario).calls:
        meant.update(fault.name for fault in plan.faults if fault.on and fault.share and fault.is_meant_for(call))
        drawn.update(fault.name for fault in plan.decide(call))
    return {name: count for name, count in meant.items() if not drawn[name]}


def stratified(scenario: Scenario) -> Scenario:
    """The scenario, its plan with shares that strike as often as `at_least` asks for, over all pairs of a run together."""
    if scenario.plan is None or not any(fault.at_least for fault in scenario.plan.faults):
        return scenario
    where = str(scenario.plan_path)
    if not scenario.workload.rate_per_s:
        raise BadInput(f"{where}: at_least counts the requests of a schedule, and a closed loop has none. Set rate_per_s")
    if scenario.app:
        told = "at_least foresees whom it strikes, which cannot be told of an app of your own"
        raise BadInput(f"{where}: {told}. Raise the shares, or run longer")
    found = raised(plan_of(scenario), foresee(scenario), where)
    return replace(scenario, plan=replace(found, seed=scenario.plan.seed))
