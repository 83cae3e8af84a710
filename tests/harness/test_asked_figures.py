"""What a scenario asks for beside the rows: bounds of goodput and a price list, up to the manifest of its run."""

import json

import pytest

from harness.manifest import make_manifest
from harness.scenario import PRICES, parse_scenario, read_scenario
from records.bad_input import BadInput
from reports.goodput import Goodput, goodput_of
from reports.prices import Price, prices_of, read_prices

GOOD = {"arms": {"off": {"features": "none"}, "on": {"features": "all"}}}
LIST = 'currency = "EUR"\n[models.m]\ninput_per_million = 1\noutput_per_million = 2\n'


def test_without_them_there_are_none(tmp_path):
    scenario = parse_scenario(GOOD, "", tmp_path / "s.toml")
    manifest = make_manifest(scenario, "id", scenario.arms, ())

    assert (scenario.goodput, scenario.prices, manifest["goodput"], manifest["prices"]) == (None,) * 4


def test_a_manifest_holds_them_so_that_a_report_needs_no_other_file(tmp_path):
    (tmp_path / "mine.toml").write_text(LIST)
    scenario = parse_scenario(GOOD | {"goodput": {"gap_s": 0.5}, "prices": "mine.toml"}, "", tmp_path / "s.toml")
    told = json.loads(json.dumps(make_manifest(scenario, "id", scenario.arms, ())))

    assert goodput_of(told) == scenario.goodput == Goodput(gap_s=0.5)
    assert prices_of(told) == scenario.prices
    assert scenario.prices is not None and scenario.prices.models == {"m": Price(1, 2)}


def test_a_list_of_ours_goes_by_its_name():
    scenario = read_scenario("article")

    assert scenario.prices is not None and scenario.goodput is not None
    assert scenario.physics.model in scenario.prices.models


@pytest.mark.parametrize("path", sorted(PRICES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_list_of_ours_is_good_and_says_where_its_prices_are_from(path):
    problems: list[str] = []
    found = read_prices(path, problems)

    assert problems == []
    assert found is not None and found.source


def test_what_is_wrong_with_them_is_told_with_all_the_rest(tmp_path):
    (tmp_path / "mine.toml").write_text("[models.m]\ninput_per_million = -1\noutput_per_million = 2\n")
    with pytest.raises(BadInput) as told:
        parse_scenario(GOOD | {"goodput": {"gap": 1}, "prices": "mine.toml", "sed": 1}, "", tmp_path / "s.toml")

    gap, price, currency, key = told.value.problems
    assert gap.startswith(f'{tmp_path}/s.toml, goodput.gap: "gap" is not a key. Did you mean "gap_s"?')
    assert price == f"{tmp_path}/mine.toml, models.m.input_per_million: must be at least 0, got -1"
    assert currency == f"{tmp_path}/mine.toml, currency: is missing"
    assert key.startswith(f'{tmp_path}/s.toml, sed: "sed" is not a key.')


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"prices": "cheap"}, "mine.toml, prices: cheap: no such price list. Give a TOML file, or one of: illustrative"),
        ({"prices": 3}, "mine.toml, prices: must be a text, got 3"),
        ({"goodput": 3}, "mine.toml, goodput: must be a table, got 3"),
        ({"goodput": {}}, "mine.toml, goodput: names no bound"),
        ({"bounds": {"g": "on.goodput >= 1"}}, 'mine.toml, bounds.g: "on.goodput >= 1": "goodput" is not a metric.'),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_one_sentence(tmp_path, changes, told):
    with pytest.raises(BadInput) as caught:
        parse_scenario(GOOD | changes, "", tmp_path / "mine.toml")

    (problem,) = caught.value.problems
    assert problem.startswith(f"{tmp_path}/{told}")
