"""Price lists: read strictly when the app starts, and every request told what it cost."""

import os
import subprocess
import sys
from decimal import Decimal

import httpx
import pytest

from reference_app.prices import Price, Prices, read_prices
from reference_app.settings import Settings
from tests.reference_app.conftest import PRICES

GOOD = """
currency = "EUR"
source = "price page"
as_of = "2026-01-31"
[models."llama3.1"]
input_per_million = 0.1
output_per_million = 2
"""
ROUTES = pytest.mark.parametrize("route", ["/chat", "/chat/stream"])


def problems_of(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError) as told:
        read_prices(str(path))
    return str(told.value).replace(str(path), "mine.toml").splitlines()


def test_a_good_list_is_read_to_the_digit(tmp_path):
    """As decimals: 0.1 is a tenth, and not what is next to it in binary."""
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)

    assert read_prices(str(path)) == Prices("EUR", {"llama3.1": Price(Decimal("0.1"), Decimal(2))})


def test_the_list_that_comes_with_the_scenarios_is_one():
    """One form for both: the app reads what the reports read."""
    assert read_prices("scenarios/prices/illustrative.toml").currency == "USD"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("0.1", "-0.1", 'models."llama3.1".input_per_million: must be at least 0, got -0.1'),
        ("0.1", '"0.1"', "models.\"llama3.1\".input_per_million: must be a number, got '0.1'"),
        ("0.1", "nan", 'models."llama3.1".input_per_million: must be a number, got NaN'),
        ("0.1", "inf", 'models."llama3.1".input_per_million: must be a number, got Infinity'),
        ("0.1", "true", 'models."llama3.1".input_per_million: must be a number, got True'),
        ("output_per_million = 2", "", 'models."llama3.1".output_per_million: is missing'),
        ("input_per", "in_per", 'models."llama3.1".in_per_million: is not a key. Did you mean "input_per_million"?'),
        ('currency = "EUR"', "", 'currency: must be told, for example "USD"'),
        ('"EUR"', '""', 'currency: must be told, for example "USD"'),
        ('"2026-01-31"', "2026-01-31", "as_of: must be a text, got datetime.date(2026, 1, 31)"),
        ('[models."llama3.1"]', '[model."llama3.1"]', 'model: is not a key. Did you mean "models"?'),
        ('[models."llama3.1"]', "[[models]]", "models: must name a model, for example"),
        ('[models."llama3.1"]', "[models]", 'models."input_per_million": must be a table with input_per_million and'),
        ("=", "", "mine.toml cannot be read as TOML: "),
    ],
)
def test_each_thing_that_is_wrong_is_told_in_one_sentence(tmp_path, old, new, told):
    """Where, what, and what would be right."""
    assert old in GOOD
    assert any(told in problem for problem in problems_of(tmp_path, GOOD.replace(old, new, 1)))


def test_everything_wrong_is_told_at_once_and_ends_the_start(tmp_path):
    """With the settings that are wrong beside it; exit code 2, no traceback."""
    path = tmp_path / "mine.toml"
    path.write_text('[models.a]\ninput_per_million = -1\n[models.b]\noutput_per_million = "2"\n')
    environment = {**os.environ, "APP_PRICES": str(path), "APP_STALL_S": "soon"}
    check = [sys.executable, "-m", "reference_app", "--check"]
    done = subprocess.run(check, check=False, env=environment, capture_output=True, text=True)

    assert done.returncode == 2 and "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 6 and all(line.startswith(("APP_PRICES: ", "APP_STALL_S: ")) for line in lines)


@pytest.mark.parametrize("path", ["nowhere.toml", ""])
def test_a_list_that_is_not_there(tmp_path, path):
    """Told by name; and an empty name is no list."""
    if path:
        with pytest.raises(ValueError, match=r"nowhere\.toml cannot be read: No such file"):
            Settings(prices=str(tmp_path / path))
    else:
        assert Settings(prices=path).prices == ""


@ROUTES
def test_a_request_is_told_what_it_cost(app_with, price_list, route):
    """12 tokens at 2.5 and 4 at 10 a million; also in the log, and summed up in /metrics."""
    app = app_with("none", prices=price_list)
    told = app.ask("n=4", route)

    assert told.end["usage"].items() >= {"cost": 7e-05, "cost_wasted": 0.0, "currency": "EUR"}.items()
    row = app.request_row(told.request_id)
    assert (row["cost"], row["currency"]) == (7e-05, "EUR")
    assert 'app_cost_total{currency="EUR"}' in httpx.get(app.url + "/metrics").text


def test_without_a_list_nothing_is_said_of_cost(app_with):
    """Usage is as it was."""
    assert not {"cost", "cost_wasted", "currency"} & set(app_with("none").ask("n=1").end["usage"])


def test_each_attempt_is_paid_at_its_own_models_price(app_with, price_list):
    """Three words of the large one are lost, the whole answer is the small one's."""
    app = app_with("fallback,stream_recovery", fallback_model="small", recoveries=1, recovery="restart", prices=price_list)
    told = app.ask("n=6 cut=3 how=fin times=2")
    usage = told.end["usage"]

    lost = 2 * (12 * 2.5 + 3 * 10) / 1e6
    needed = (12 * 0.25 + 6 * 1) / 1e6
    assert (usage["cost"], usage["cost_wasted"]) == (pytest.approx(lost + needed), pytest.approx(lost))


def test_what_was_not_generated_costs_nothing(app_with, provider, price_list):
    """A 503 is free, and so is what the cache knows."""
    app = app_with("cache,retry", prices=price_list, retry_base_s=0.001)
    first, second = (app.ask("n=4 status=503 times=1 and kept") for _ in range(2))

    assert first.end["usage"].items() >= {"attempts": 2, "cost": 7e-05}.items()
    assert second.end["served_by"] == "cache"
    assert second.end["usage"].items() >= {"cost": 0.0, "currency": "EUR"}.items()


def test_a_model_without_a_price_makes_the_cost_unknown_and_that_is_told_once(app_with, price_list):
    """Null is no zero."""
    app = app_with("none", prices=price_list, model="unlisted")
    told = [app.ask("n=2") for _ in range(3)]

    assert all(one.end["usage"].items() >= {"cost": None, "currency": None}.items() for one in told)
    for one in told:
        app.request_row(one.request_id)
    (said,) = [line for line in app.log.read_text().splitlines() if '"event":"unpriced"' in line]
    assert 'no \\"unlisted\\" in the price list' in said


def test_the_sum_of_many_requests_is_exact(tmp_path):
    """A tenth of a millionth, a million times."""
    path = tmp_path / "mine.toml"
    path.write_text(PRICES.replace("2.5", "0.1"))
    price = read_prices(str(path)).models["llama3.1"]

    assert sum((price.of(1, 0) for _ in range(1000)), Decimal(0)) == Decimal("0.0001")


def test_all_that_saves_saves_together(app_with, provider, price_list):
    """A long prompt to the small model, with a short answer; all other features are on as well."""
    saving = {"small_model": "small", "output_limit_tokens": 20, "compress_above_tokens": 100, "input_limit_tokens": 2000}
    question = (
        "Who sells bread? "
        + "The baker sells bread. Nobody sells it on Sundays. Rain is common here. " * 12
        + "Who? n=60 counts=1"
    )
    plain = app_with("none", prices=price_list).ask(question, temperature=0.5)
    saved = app_with("all", prices=price_list, **saving).ask(question, temperature=0.5)
    (seen,) = provider.of(saved.request_id)
    costs = [one.end["usage"]["cost"] for one in (plain, saved)]
    print(f"compress, output_limit and routing together: {costs[0]:.6f} -> {costs[1]:.6f} EUR")

    assert (seen.body["model"], seen.sampling) == ("small", {"temperature": 0.5, "max_tokens": 20})
    assert (saved.end["finish"], saved.text) == ("length", provider.words(20))
    assert seen.asked < 150 and saved.end["usage"]["input_tokens"] == seen.asked
    assert costs[1] < costs[0] / 10
