"""How figures are told."""

import pytest

from reports.compare import Difference
from reports.recovery import Recovery, wilson
from reports.render_words import difference, figure, interval, judgement, label, money, percent, seconds, successes, survived


def a_recovery(met: int, recovered: int, rejected: int = 0) -> Recovery:
    trials = met - rejected
    low, high = wilson(recovered, trials)
    return Recovery(
        "cut", "cut", met, recovered, rejected, trials - recovered, recovered / trials if trials else None, low, high
    )


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.16, "16.0 %"),
        (0.0027, "0.27 %"),
        (0.00004, "0.004 %"),
        (0.9996, "99.960 %"),
        (0.99, "99.0 %"),
    ],
)
def test_nearly_all_is_not_all(share: float, told: str):
    assert percent(share) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [(2.9406, "2.94 s"), (0.709, "709 ms"), (0.0019, "1.9 ms"), (12345.678, "12,345.68 s"), (0.9999, "1.00 s")],
)
def test_below_a_second_is_told_in_ms(value: float, told: str):
    assert seconds(value) == told


@pytest.mark.parametrize(
    ("found", "told", "shortest"),
    [
        (a_recovery(40, 40), "40 of 40 recovered: at least 91.2 %", "≥ 91.2 %"),
        (a_recovery(71, 0), "0 of 71 recovered: at most 5.2 %", "0 %"),
        (a_recovery(103, 18, 5), "18 of 98 recovered: 18.4 % (11.9 % to 27.2 %); 5 rightly rejected", "18.4 %"),
        (a_recovery(5, 0, 5), "5 rightly rejected", "–"),
        (a_recovery(0, 0), "met by no request", "–"),
    ],
)
def test_survival_is_never_surer_than_the_count(found: Recovery, told: str, shortest: str):
    assert survived(found) == told
    assert successes(found) == shortest


def test_differences_have_sign_unit_and_interval():
    share = Difference("failure_share", 0.16, 0.0, -0.16, -0.1947, -0.1295)
    p95 = Difference("p95_s", 10.0, 2.94, -7.06, -7.11, -6.9, 0.294, 0.289, 0.31)

    assert (difference(share), interval(share), judgement(share)) == ("−16.0 points", "−19.5 to −13.0", "better")
    assert (difference(p95), interval(p95)) == ("−7.06 s", "−7.11 s to −6.90 s; ×0.29 (0.29 to 0.31)")
    assert difference(Difference("wrong_share", 0.0, 0.0, 0.0)) == "±0 points"
    assert difference(Difference("failure_share", 0.003, 0.0026, -0.0004)) == "−0.04 points"
    assert difference(Difference("send_lag_p95_s", 0.002, 0.00199, -0.00001)) == "±0"
    assert judgement(Difference("p95_s", 1.0, 2.0, 1.0, 0.5, 1.5)) == "worse"
    assert judgement(Difference("retry_success", 0.2, 1.0, 0.8, 0.7, 0.9)) == "better"
    assert judgement(Difference("p95_s", 1.0, 1.1, 0.1, -0.5, 0.7)) == ""
    assert judgement(Difference("cache_share", 0.0, 0.3, 0.3, 0.2, 0.4)) == ""
    assert difference(Difference("p95_s", None, 1.0, None)) == "–"


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0, "0.00"), (1234.5, "1,234.50"), (1.0, "1.00"), (0.4567, "0.457"), (0.00012345, "0.000123"), (-0.05, "-0.0500")],
)
def test_money_has_two_decimals_and_below_one_three_digits(value: float, told: str):
    assert figure("money", value) == money(value) == told
    assert money(value, "EUR") == f"{told} EUR"


def test_differences_in_money_have_their_sign():
    found = Difference("cost_per_1000", 0.5, 0.25, -0.25, -0.3, -0.2, 0.5, 0.4, 0.6)

    assert (difference(found), interval(found)) == ("−0.250", "−0.300 to −0.200; ×0.50 (0.40 to 0.60)")
    assert figure("tokens_per_s", 1234.56) == "1,234.6"


def test_labels():
    told = {
        "p95_s": "P95",
        "ttft_p50_s": "TTFT P50",
        "http_error_share": "HTTP error share",
        "right_per_s": "Right per second",
        "ok_p95_s": "OK P95",
        "attempts_per_request": "Attempts per request",
        "itl_p99_s": "ITL P99",
        "tpot_p95_s": "TPOT P95",
        "output_tokens_per_s": "Output tokens per second",
        "output_tokens_p50_per_s": "Output tokens P50 per second",
        "goodput_share": "Goodput share",
        "time_to_recover_s": "Time to recover",
        "availability_by_time": "Availability by time",
        "cost_per_1000": "Cost per 1,000 requests",
        "cost_per_right_answer": "Cost per right answer",
        "cost_wasted_per_1000": "Cost wasted per 1,000 requests",
    }

    assert {name: label(name) for name in told} == told
    assert figure("share", None) == "–"
