import pytest

from records.bad_input import BadInput, unknown
from records.strict import Table


def problems_of(values, read):
    problems: list[str] = []
    table = Table("plan.toml", values, problems)
    read(table)
    table.close()
    return problems


def test_good_values_are_read():
    table = Table("plan.toml", {"share": 0.5, "name": "cut", "deep": {"on": True}, "many": [{"n": 1}, {"n": 2}]}, [])

    assert table.number("share", low=0, high=1) == 0.5
    assert table.text("name") == "cut"
    assert table.table("deep").flag("on") is True
    assert [entry.number("n", whole=True) for entry in table.tables("many")] == [1, 2]
    table.close()
    assert table.problems == []


def test_what_is_absent_is_the_default():
    table = Table("plan.toml", {}, [])

    assert (table.number("share", 0.25), table.text("name", "x"), table.flag("on"), table.items("many")) == (
        0.25,
        "x",
        False,
        [],
    )
    assert table.problems == []


@pytest.mark.parametrize(
    ("values", "read", "told"),
    [
        ({"share": 1.5}, lambda t: t.number("share", low=0, high=1), "plan.toml, share: must be between 0 and 1, got 1.5"),
        ({"share": -1}, lambda t: t.number("share", low=0), "plan.toml, share: must be at least 0, got -1"),
        ({"share": "x"}, lambda t: t.number("share"), "plan.toml, share: must be a number, got 'x'"),
        ({"share": True}, lambda t: t.number("share"), "plan.toml, share: must be a number, got True"),
        ({"seed": 1.5}, lambda t: t.number("seed", whole=True), "plan.toml, seed: must be a whole number, got 1.5"),
        ({"share": float("nan")}, lambda t: t.number("share"), "plan.toml, share: must be a number, got nan"),
        ({"name": 1}, lambda t: t.text("name"), "plan.toml, name: must be a text, got 1"),
        ({}, lambda t: t.text("name", required=True), "plan.toml, name: is missing"),
        ({"deep": 1}, lambda t: t.table("deep"), "plan.toml, deep: must be a table, got 1"),
        ({"many": {}}, lambda t: t.tables("many"), "plan.toml, many: must be a list, got {}"),
        ({"many": [1]}, lambda t: t.tables("many"), "plan.toml, many[0]: must be a table, got 1"),
        (
            {"shar": 1},
            lambda t: t.number("share"),
            'plan.toml, shar: "shar" is not a key. Did you mean "share"? Known: share',
        ),
        (
            {"kind": "ct"},
            lambda t: t.choice("kind", "cut", ["cut", "stall"], "kind"),
            'plan.toml, kind: "ct" is not a kind. Did you mean "cut"? Known: cut, stall',
        ),
    ],
)
def test_bad_values_say_where_what_and_what_is_allowed(values, read, told):
    assert problems_of(values, read) == [told]


def test_all_problems_come_at_once():
    def read(table):
        table.number("share", low=0, high=1)
        table.table("deep").number("n")

    assert len(problems_of({"share": 2, "deep": {"n": "x"}, "other": 1}, read)) == 3


def test_a_table_knows_its_name():
    arms = Table("s.toml", {"arms": {"off": {}, "v1.2": {}}}, []).table("arms")

    assert [arm.name for arm in arms.each()] == ["off", "v1.2"]


def test_bad_input_holds_its_problems():
    assert BadInput("one", "two").problems == ("one", "two")
    assert str(BadInput("one", "two")) == "one\ntwo"


def test_a_name_nobody_is_near_to_gets_no_suggestion():
    assert unknown("arm", "zzz", ["off", "on"]) == '"zzz" is not an arm. Known: off, on'
