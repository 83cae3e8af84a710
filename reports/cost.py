"""What the requests of an arm cost, by a price list: every generation at its model's price, whether it helped or not."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from records.bad_input import unknown
from reports.arm import Arm
from reports.prices import MILLION, Prices

Values = np.ndarray[Any, Any]


def costs(rows: pd.DataFrame, attempts: pd.DataFrame, prices: Prices) -> tuple[Values, Values] | None:
    """What each request cost, and how much of that was wasted; None where a model that generated has no price.

    Wasted is what exceeds one prompt and the right answer the user got, at the price of the last generation that said anything.
    """
    paid = _paid(attempts)
    at, tokens_in, tokens_out = (paid[name].to_numpy() for name in ("at", "tokens_in", "tokens_out"))
    price_in, price_out = _by_model(paid["model"], prices)
    if np.isnan(price_in).any():
        return None
    cost = np.bincount(at, tokens_in * price_in + tokens_out * price_out, minlength=len(rows)).astype(float)
    needed = np.zeros(len(rows))
    said = tokens_out > 0
    of = at[said]
    # Attempts come in their order: of several, the last is kept.
    needed[of] = tokens_in[said] * price_in[said] + rows["tokens"].to_numpy(dtype=float)[of] * price_out[said]
    wasted = np.clip(cost - np.where(rows["right"], needed, 0.0), 0.0, None)
    return cost / MILLION, wasted / MILLION


def _paid(attempts: pd.DataFrame) -> pd.DataFrame:
    """The generations for requests of users."""
    return attempts[["at", "model", "tokens_in", "tokens_out"]][attempts["generated"] & (attempts["at"] >= 0)]


def _by_model(models: "pd.Series[Any]", prices: Prices) -> tuple[Values, Values]:
    """For each generation the price of a million tokens in and out; NaN where there is none."""
    codes, names = pd.factorize(models)
    known = [prices.models.get(name) for name in names]
    price_in = np.array([one.input_per_million if one else np.nan for one in known], dtype=float)
    price_out = np.array([one.output_per_million if one else np.nan for one in known], dtype=float)
    return price_in[codes], price_out[codes]


def unpriced(arms: Iterable[Arm], prices: Prices | None) -> list[str]:
    """A sentence for each arm and model without a price: what the arm cost is unknown then."""
    if prices is None:
        return []
    return [
        f'The price list "{prices.name}" has no price for a model of arm "{arm.name}", so what the arm cost is unknown: '
        f"{unknown('model in it', str(model), prices.models)}"
        for arm in arms
        for model in _paid(arm.attempts)["model"].unique()
        if model not in prices.models
    ]
