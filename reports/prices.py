"""A price list: what the models of a run cost, by a million tokens in and a million tokens out, as providers tell it.

```toml
currency = "USD"
source = "the provider's price page"
as_of = "2026-01-31"

[models."llama3.1"]
input_per_million = 0.10
output_per_million = 0.40
```
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.strict import Table

MILLION = 1e6


@dataclass(frozen=True)
class Price:
    """What one model costs."""

    input_per_million: float
    """Tokens of the prompt."""
    output_per_million: float
    """Tokens of the answer."""


@dataclass(frozen=True)
class Prices:
    """What all of them cost, in one currency."""

    name: str
    currency: str
    models: Mapping[str, Price]
    source: str = ""
    as_of: str = ""
    """When the source said so."""

    @property
    def told(self) -> str:
        """In words: which list, in which currency, whose, and of when."""
        more = ", ".join(one for one in (self.source, f"as of {self.as_of}" if self.as_of else "") if one)
        return f"{self.name}, in {self.currency} by a million tokens" + (f" ({more})" if more else "")


def read_prices(path: Path, problems: list[str]) -> Prices | None:
    """The list of a file; None where something is wrong with it, which joins the problems."""
    before = len(problems)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(f"{path}: not readable ({error.strerror})")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{path}: not readable as TOML, {error}")
    else:
        found = parse_prices(Table(str(path), values, problems), path.stem)
        return found if len(problems) == before else None
    return None


def parse_prices(table: Table, name: str) -> Prices:
    """Reads a list of this name; what is wrong with it joins the table's problems."""
    models = {one.name: _parse_price(one) for one in table.table("models").each()}
    currency = table.text("currency", required=True)
    if not currency and "currency" in table.values:
        table.problem("currency", 'must be told, for example "USD"')
    if not models:
        table.problem("models", 'names no model; write for example [models."llama3.1"] with input_per_million = 0.1')
    prices = Prices(name, currency, models, table.text("source"), table.text("as_of"))
    table.close()
    return prices


def _parse_price(table: Table) -> Price:
    read = (float(table.number(name, 0.0, 0, required=True)) for name in ("input_per_million", "output_per_million"))
    price = Price(*read)
    table.close()
    return price


def prices_of(manifest: Mapping[str, Any]) -> Prices | None:
    """The list that a run's manifest holds."""
    told = manifest.get("prices")
    if not told:
        return None
    models = {name: Price(of["input_per_million"], of["output_per_million"]) for name, of in told["models"].items()}
    return Prices(told["name"], told["currency"], models, told.get("source") or "", told.get("as_of") or "")
