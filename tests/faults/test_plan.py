"""Plans: strict when read, pure when they decide."""

from math import inf
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults.actions import Pause, Request, name_of
from faults.kinds import KINDS
from faults.kinds.answer import answer
from faults.kinds.cut import cut
from faults.kinds.drop import drop
from faults.kinds.stall import stall
from faults.plan import Fault, HaltIf, Plan
from faults.reading import parse_plan, read_plan
from records.bad_input import BadInput

PLANS = Path(__file__).parents[2] / "faults" / "plans"


def problems(text: str) -> list[str]:
    with pytest.raises(BadInput) as told:
        parse_plan(text, "my.toml", KINDS)
    return list(told.value.problems)


def calls(count: int, **more) -> list[Request]:
    return [Request(f"p01-{n:06d}", path="/api/chat", **more) for n in range(count)]


def test_a_plan_as_the_design_shows_it():
    plan = parse_plan(
        """
        seed = 7
        [[fault]]
        name = "cut between chunk 3 and 7"
        kind = "cut"
        share = 0.12
        at = [3, 7]
        reset = true
        routes = "/api/chat"
        models = "llama*"
        headers = { X-Tenant = "a*" }
        attempts = 2
        during = [10, 20.5]
        """,
        "plans/mine.toml",
        KINDS,
    )
    expected = Fault(
        cut,
        {"at": [3, 7], "reset": True},
        "cut between chunk 3 and 7",
        0.12,
        "/api/chat",
        "llama*",
        {"x-tenant": "a*"},
        2,
        (10, 20.5),
    )
    assert plan == Plan((expected,), 7, "mine")


def test_every_problem_is_told_together():
    text = """
    sed = 1
    [[fault]]
    name = "a"
    kind = "ct"
    [[fault]]
    name = "a"
    kind = "cut"
    share = 1.5
    at = [7, 3]
    during = [9, 1]
    atempts = 1
    [[fault]]
    name = "a"
    kind = "latency"
    attempts = 0
    models = 3
    headers = { x = 1 }
    [[fault]]
    kind = "answer"
    status = 200
    reset = true
    [[fault]]
    name = "n"
    kind = "stall"
    seconds = "long"
    at = 1.5
    """
    assert problems(text) == [
        f'my.toml, fault[0].kind: "ct" is not a kind. Did you mean "cut"? Known: {", ".join(sorted(map(name_of, KINDS)))}',
        "my.toml, fault[1].share: must be between 0 and 1, got 1.5",
        "my.toml, fault[1].during: is reversed, got [9, 1]",
        "my.toml, fault[1].at: the range is reversed, got [7, 3]",
        'my.toml, fault[1].atempts: "atempts" is not a key. Did you mean "attempts"? Known: after_bytes, at, at_least, '
        "attempts, burst, clusters, during, headers, kind, models, name, on, reset, routes, share",
        "my.toml, fault[2].models: must be a text, got 3",
        "my.toml, fault[2].headers.x: must be a text, got 1",
        "my.toml, fault[2].attempts: must be at least 1, got 0",
        "my.toml, fault[2].seconds: is missing, latency needs it",
        "my.toml, fault[3].name: is missing",
        "my.toml, fault[3].status: must be between 400 and 599, got 200",
        'my.toml, fault[3].reset: "reset" is not a key. Did you mean "burst"? Known: at_least, attempts, burst, clusters, '
        "during, extra_headers, headers, kind, models, name, on, retry_after_s, routes, share, status, text",
        "my.toml, fault[4].at: must be a whole number, got 1.5",
        "my.toml, fault[4].seconds: must be a number, got 'long'",
        'my.toml, sed: "sed" is not a key. Did you mean "seed"? Known: fault, halt_if, provider_routes, seed, stop_after_s',
        'my.toml, fault[2].name: "a" is taken, chance is keyed by the name',
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("seed = ", "my.toml: not readable as TOML"),
        ("seed = 1.5", "must be a whole number"),
        ('fault = "x"', "must be a list"),
        ('[[fault]]\nname = ""\nkind = "drop"', "must not be empty"),
        ('[[fault]]\nname = "x"', "kind: is missing"),
        ('[[fault]]\nname = "x"\nkind = "drop"\nduring = 3', "must be [from_s, to_s] in seconds, got 3"),
        ('[[fault]]\nname = "x"\nkind = "drop"\nduring = [1]', "must be [from_s, to_s] in seconds, got [1]"),
        ('[[fault]]\nname = "x"\nkind = "drop"\nduring = [0, nan]', "is reversed, got [0, nan]"),
        ('[[fault]]\nname = "x"\nkind = "drop"\nduring = [nan, 1]', "must be [from_s, to_s] in seconds, got [nan, 1]"),
        ('[[fault]]\nname = "x"\nkind = "drop"\nduring = [0, true]', "must be [from_s, to_s] in seconds, got [0, True]"),
        ('[[fault]]\nname = "x"\nkind = "drop"\nreset = [true, false]', "the range is reversed"),
        ('[[fault]]\nname = "x"\nkind = "drop"\nreset = 1', "must be true or false, got 1"),
        ('[[fault]]\nname = "x"\nkind = "cut"\nat = true', "must be a whole number, got True"),
        ('[[fault]]\nname = "x"\nkind = "cut"\nat = [1, 2, 3]', "must be a whole number, got [1, 2, 3]"),
        ('[[fault]]\nname = "x"\nkind = "latency"\nseconds = [1, inf]', "a range must be finite"),
        ('[[fault]]\nname = "x"\nkind = "latency"\nseconds = -1', "must be at least 0, got -1"),
        ('[[fault]]\nname = "x"\nkind = "slow_first_token"\nfactor = 0.5', "must be at least 1"),
        ('[[fault]]\nname = "x"\nkind = "answer"\nstatus = 503\nextra_headers = { a = 1 }', "must be a table of texts"),
    ],
)
def test_one_problem(text, problem):
    (told,) = problems(text)
    assert problem in told


@pytest.mark.parametrize("seconds", ["inf", "0", "[1, 3]"])
def test_seconds_are_never_drawn_as_whole_numbers(seconds):
    text = f'[[fault]]\nname = "x"\nkind = "latency"\nseconds = {seconds}'
    drawn = {parse_plan(text, "x.toml", KINDS).decide(call)[0].params["seconds"] for call in calls(50)}

    assert len(drawn) == (50 if "[" in seconds else 1)


def test_a_missing_file_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match=r"nowhere.toml: No such file or directory"):
        read_plan(tmp_path / "nowhere.toml")
    with pytest.raises(BadInput, match="Is a directory"):
        read_plan(tmp_path)


def a_plan(**more) -> Plan:
    return Plan(
        (Fault(cut, {"at": [3, 7], "reset": [False, True]}, share=0.5), Fault(stall, {"seconds": [0.5, 1.5]}, **more)), 7
    )


@given(st.permutations(calls(12)))
def test_the_order_of_calls_never_matters(shuffled):
    plan = a_plan(share=0.5)

    assert {call.id: plan.decide(call) for call in shuffled} == {call.id: plan.decide(call) for call in calls(12)}


def test_shares_and_ranges_are_kept():
    plan, met = a_plan(share=0.12), calls(20_000)
    cuts = [fault.params for call in met for fault in plan.decide(call) if fault.kind is cut]
    stalls = [fault.params["seconds"] for call in met for fault in plan.decide(call) if fault.kind is stall]

    assert 0.49 < len(cuts) / 20_000 < 0.51 and 0.113 < len(stalls) / 20_000 < 0.127
    counts = [sum(params["at"] == at for params in cuts) / len(cuts) for at in range(3, 8)]
    assert sum(counts) == 1 and all(0.185 < share < 0.215 for share in counts)
    assert all(type(params["reset"]) is bool for params in cuts)
    assert 0.48 < sum(params["reset"] for params in cuts) / len(cuts) < 0.52
    assert all(0.5 <= seconds < 1.5 for seconds in stalls) and 0.98 < sum(stalls) / len(stalls) < 1.02


def test_whether_and_how_are_drawn_apart():
    """A rare fault must not always come with the low end of its range."""
    plan = Plan((Fault(cut, {"at": [0, 9], "reset": [False, True]}, share=0.05),), 7)
    struck = [fault.params for call in calls(20_000) for fault in plan.decide(call)]

    assert {params["at"] for params in struck} == set(range(10))
    assert (
        0.4 < sum(params["reset"] for params in struck if params["at"] < 5) / sum(params["at"] < 5 for params in struck) < 0.6
    )


def test_a_retry_gets_its_own_draw():
    plan = Plan((Fault(drop, share=0.5),), 7)
    both = [(bool(plan.decide(call)), bool(plan.decide(call._replace(attempt=2)))) for call in calls(2000)]

    assert all(0.2 < both.count(pair) / 2000 < 0.3 for pair in [(a, b) for a in (True, False) for b in (True, False)])


def test_a_fault_chooses_its_calls():
    plan = Plan(
        (Fault(drop, routes="/v1/*", models="gpt*", headers={"x-t": "a*"}, during_s=(10, 20), attempts=2),),
    )
    call = Request("r", 2, 15, "/v1/chat", "gpt-4", {"x-t": "abc"})

    assert plan.decide(call)
    others = [{"at_s": 20}, {"at_s": 9.9}, {"path": "/api/chat"}, {"model": "m"}, {"headers": {}}, {"attempt": 3}]
    assert not any(plan.decide(call._replace(**other)) for other in others)


def test_plans_made_in_python_are_checked_too():
    with pytest.raises(ValueError, match='two faults are called "drop"'):
        Plan((Fault(drop), Fault(drop)))
    with pytest.raises(TypeError, match="nope"):
        Plan((Fault(drop, {"nope": 1}),))
    with pytest.raises(TypeError, match="status"):
        Plan((Fault(answer),))
    with pytest.raises(ValueError, match="first parameter must be one of"):
        Plan((Fault(lambda call: iter(()), name="odd"),))


def test_a_digest_tells_plans_apart():
    assert a_plan().digest == a_plan().digest
    assert len({a_plan().digest, a_plan(share=0.5).digest, Plan(a_plan().faults, 8).digest, Plan().digest}) == 4


def test_calm_has_no_faults():
    assert read_plan(PLANS / "calm.toml") == Plan((), 7, "calm")


def test_the_article_as_it_is_told():
    """12 % cuts at 3 to 7, half by reset; 3 % 503; 2 % 429 after 1 s; 1 % 422 on the first attempt; 5 % slow first tokens."""
    plan = read_plan(PLANS / "article.toml")
    met = [fault for call in calls(20_000) for fault in plan.decide(call)]
    shares = {name: sum(fault.name == name for fault in met) / 20_000 for name in [fault.name for fault in plan.faults]}

    assert list(shares.values()) == pytest.approx([0.12, 0.03, 0.02, 0.01, 0.05], rel=0.12)
    cuts = [fault.params for fault in met if fault.kind is cut]
    assert {params["at"] for params in cuts} == {3, 4, 5, 6, 7}
    assert 0.46 < sum(params["reset"] for params in cuts) / len(cuts) < 0.54
    retried = [fault.name for call in calls(20_000, attempt=2) for fault in plan.decide(call)]
    assert "422 on the first attempt" not in retried and "503 server busy" in retried
    assert not [fault for call in calls(2000) for fault in plan.decide(call._replace(path="/api/tags"))]
    assert plan.faults[3].attempts == 1 and plan.faults[0].attempts == inf


def test_a_route_that_no_provider_has_is_told():
    told = problems('[[fault]]\nname = "a"\nkind = "drop"\nroutes = "/api/caht"')

    assert len(told) == 1
    assert told[0].startswith('my.toml, fault[0].routes: "/api/caht" is not a route. Did you mean "/api/chat"?')


def test_another_provider_brings_its_routes():
    text = 'provider_routes = ["/chat/v9"]\n[[fault]]\nname = "a"\nkind = "drop"\nroutes = "/chat/*"'

    assert parse_plan(text, "my.toml", KINDS).faults[0].routes == "/chat/*"


def test_probes_of_readiness_are_struck_only_by_a_fault_that_names_them():
    probe = Request("p01-000001", path="/api/version")

    assert Plan((Fault(drop),)).decide(probe) == []
    assert len(Plan((Fault(drop, routes="/api/version"),)).decide(probe)) == 1


def test_routes_may_be_several():
    """One fault for the same task on two wires."""
    text = '[[fault]]\nname = "x"\nkind = "drop"\nroutes = ["/api/chat", "/v1/chat/*"]'
    plan = parse_plan(text, "my.toml", KINDS)

    assert [bool(plan.decide(Request("r", path=path))) for path in ("/api/chat", "/v1/chat/completions", "/api/embed")] == [
        True,
        True,
        False,
    ]
    assert problems(text.replace("/api/chat", "/api/caht"))[0].startswith(
        'my.toml, fault[0].routes: "/api/caht" is not a route'
    )
    assert problems(text.replace('"/api/chat"', "3")) == ["my.toml, fault[0].routes: must be texts, got 3"]


def test_chaos_ends_by_itself():
    plan = parse_plan('stop_after_s = 60\n[[fault]]\nname = "x"\nkind = "drop"', "my.toml", KINDS)

    assert plan.decide(Request("r", path="/api/chat", at_s=59.9))
    assert not plan.decide(Request("r", path="/api/chat", at_s=60))


def test_a_fault_that_is_off_never_strikes():
    assert not Plan((Fault(drop, on=False),)).decide(Request("r", path="/api/chat"))


def test_only_first_attempts_meet_the_raised_share():
    plan = Plan((Fault(drop, share=0.0, raised_to=1.0),))

    assert plan.decide(Request("r", 1, path="/api/chat"))
    assert not plan.decide(Request("r", 2, path="/api/chat"))


def test_halting_is_read_and_refused():
    text = "halt_if = { error_share = 0.5, over_s = 5 }"

    assert parse_plan(text, "my.toml", KINDS).halt_if == HaltIf(0.5, 5, 20)
    assert problems("halt_if = { error_share = 2, ovr_s = 5 }") == [
        "my.toml, halt_if.error_share: must be between 0 and 1, got 2",
        'my.toml, halt_if.ovr_s: "ovr_s" is not a key. Did you mean "over_s"? Known: at_least, error_share, over_s',
    ]


def test_what_faults_share_belongs_to_one_plan():
    """A plan that is armed anew begins with a full bucket."""

    def counted(request, shared: list):
        shared.append(request.id)
        yield Pause(0)

    plan, other = Plan((Fault(counted, {}),)), Plan((Fault(counted, {}),))
    (one,), (two,) = plan.decide(Request("a", path="/api/chat")), plan.decide(Request("b", path="/api/chat"))

    assert one.shared["shared"] is two.shared["shared"]
    assert other.faults[0].shared["shared"] is not one.shared["shared"]
    assert plan.digest == other.digest
