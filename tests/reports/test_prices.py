"""Price lists: read strictly, told again by a manifest."""

from dataclasses import asdict
from pathlib import Path

import pytest

from reports.prices import Price, Prices, prices_of, read_prices

GOOD = """
currency = "EUR"
source = "price page"
as_of = "2026-01-31"
[models."llama3.1"]
input_per_million = 0.1
output_per_million = 2
"""
READ = Prices("mine", "EUR", {"llama3.1": Price(0.1, 2.0)}, "price page", "2026-01-31")


def problems_of(tmp_path: Path, text: str) -> list[str]:
    path, problems = tmp_path / "mine.toml", list[str]()
    path.write_text(text)

    assert read_prices(path, problems) is None
    return [problem.replace(f"{path}", "mine.toml") for problem in problems]


def test_a_good_list_is_read(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    problems: list[str] = []

    assert read_prices(path, problems) == READ
    assert problems == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("0.1", "-0.1", "models.llama3.1.input_per_million: must be at least 0, got -0.1"),
        ("0.1", '"0.1"', "models.llama3.1.input_per_million: must be a number, got '0.1'"),
        ("0.1", "nan", "models.llama3.1.input_per_million: must be a number, got nan"),
        ("output_per_million = 2", "", "models.llama3.1.output_per_million: is missing"),
        (
            "input_per",
            "in_per",
            'models.llama3.1.in_per_million: "in_per_million" is not a key. Did you mean "input_per_million"?',
        ),
        ('currency = "EUR"', "", "currency: is missing"),
        ('"EUR"', '""', 'currency: must be told, for example "USD"'),
        ('"EUR"', "3", "currency: must be a text, got 3"),
        ('"2026-01-31"', "2026-01-31", "as_of: must be a text, got datetime.date(2026, 1, 31)"),
        ("as_of", "date", '"date" is not a key.'),
        ('[models."llama3.1"]', '[model."llama3.1"]', '"model" is not a key. Did you mean "models"?'),
        ('[models."llama3.1"]', "[[models]]", "models: must be a table"),
    ],
)
def test_each_thing_that_is_wrong_is_told_in_one_sentence(tmp_path: Path, old: str, new: str, told: str):
    assert old in GOOD
    assert any(told in problem for problem in problems_of(tmp_path, GOOD.replace(old, new, 1)))


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path):
    text = 'colour = 1\n[models.a]\ninput_per_million = -1\noutput_per_million = "x"'

    assert problems_of(tmp_path, text) == [
        "mine.toml, models.a.input_per_million: must be at least 0, got -1",
        "mine.toml, models.a.output_per_million: must be a number, got 'x'",
        "mine.toml, currency: is missing",
        'mine.toml, colour: "colour" is not a key. Known: as_of, currency, models, source',
    ]


def test_a_list_without_models_says_how_to_write_one(tmp_path: Path):
    (problem,) = problems_of(tmp_path, 'currency = "USD"')

    assert problem.startswith("mine.toml, models: names no model; write for example [models.")


def test_what_is_no_toml_is_told(tmp_path: Path):
    (problem,) = problems_of(tmp_path, "currency =")

    assert problem.startswith("mine.toml: not readable as TOML")


def test_a_manifest_tells_it_again():
    assert prices_of({"prices": asdict(READ)}) == READ
    assert prices_of({"prices": None}) is None


def test_in_words_it_says_whose_prices_and_of_when():
    assert READ.told == "mine, in EUR by a million tokens (price page, as of 2026-01-31)"
    assert Prices("mine", "EUR", {}).told == "mine, in EUR by a million tokens"
