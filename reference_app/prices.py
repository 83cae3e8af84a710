"""What models charge: a list in TOML that is read when the app starts, and what attempts cost by it, in decimals.

```toml
currency = "USD"
source = "the provider's price page"
as_of = "2026-01-31"

[models."llama3.1"]
input_per_million = 0.10     # tokens of prompts
output_per_million = 0.40    # tokens of answers
```
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from reference_app.log import Log

MILLION = 1_000_000
KEYS = ("currency", "source", "as_of", "models")
OF_A_MODEL = ("input_per_million", "output_per_million")


@dataclass(frozen=True)
class Price:
    """Of a million tokens."""

    input_per_million: Decimal
    output_per_million: Decimal

    def of(self, tokens_in: int, tokens_out: int) -> Decimal:
        """What so many tokens cost."""
        return (tokens_in * self.input_per_million + tokens_out * self.output_per_million) / MILLION


@dataclass(frozen=True)
class Prices:
    """What each model charges, in one currency."""

    currency: str
    models: Mapping[str, Price]
    _told: set[str] = field(default_factory=set, compare=False, repr=False)

    def tell_unknown(self, models: Collection[str], log: Log) -> None:
        """Says once of each of these models that it has no price, and so why costs are unknown."""
        for model in models:
            if model not in self._told:
                self._told.add(model)
                log("unpriced", model=model, error=f'no "{model}" in the price list: what requests to it cost is unknown')


def read_prices(path: str) -> Prices:
    """The list of a file; ValueError with all that is wrong with it, one problem a line."""
    try:
        # As they are written: a tenth has no end in binary.
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as TOML: {error}") from None
    problems: list[str] = []
    prices = _prices(values, problems)
    if problems:
        raise ValueError("\n".join(f"{path}, {problem}" for problem in problems))
    return prices


def _prices(values: dict[str, Any], problems: list[str]) -> Prices:
    _know(values, KEYS, "", problems)
    for name in ("source", "as_of"):
        if not isinstance(values.get(name, ""), str):
            problems.append(f"{name}: must be a text, got {values[name]!r}")
    currency, models = values.get("currency"), values.get("models")
    if not isinstance(currency, str) or not currency:
        problems.append('currency: must be told, for example "USD"')
    if not isinstance(models, dict) or not models:
        problems.append('models: must name a model, for example [models."llama3.1"] with input_per_million = 0.1')
        models = {}
    return Prices(str(currency), {name: _price(name, of, problems) for name, of in models.items()})


def _price(name: str, of: object, problems: list[str]) -> Price:
    where = f'models."{name}"'
    if not isinstance(of, dict):
        problems.append(f"{where}: must be a table with {' and '.join(OF_A_MODEL)}")
        return Price(Decimal(0), Decimal(0))
    _know(of, OF_A_MODEL, f"{where}.", problems)
    return Price(*(_amount(of, key, f"{where}.{key}", problems) for key in OF_A_MODEL))


def _amount(of: dict[str, Any], key: str, where: str, problems: list[str]) -> Decimal:
    given = of.get(key)
    if given is None:
        problems.append(f"{where}: is missing")
    elif isinstance(given, bool) or not isinstance(given, int | Decimal) or not Decimal(given).is_finite():
        problems.append(f"{where}: must be a number, got {str(given) if isinstance(given, Decimal) else repr(given)}")
    elif given < 0:
        problems.append(f"{where}: must be at least 0, got {given}")
    else:
        return Decimal(given)
    return Decimal(0)


def _know(values: Mapping[str, object], known: Collection[str], where: str, problems: list[str]) -> None:
    for key in sorted(set(values) - set(known)):
        near = get_close_matches(key, known, n=1)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        problems.append(f"{where}{key}: is not a key.{hint} Known: {', '.join(known)}")
