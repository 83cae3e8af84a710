"""Claim E4: with alerts, 5 minutes until one notices. From the first failure until a shipped alert fires, on its own clock."""

import re
import shutil
import subprocess
from math import ceil
from pathlib import Path

import pytest
import yaml

SHIPPED = Path("reference_app/deploy/prometheus")
STEP_S, HEALTHY_S, WATCHED_S, REQUESTS_A_STEP = 15, 900, 1200, 300
CLAIMED_S = 300
TOLD = re.compile(r"got:.*?([0-9.E+-]+)\s*$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module", autouse=True)
def promtool():
    if shutil.which("promtool") is None:
        pytest.skip("needs promtool")


def seconds_until_it_fires(folder, alert, series):
    """Counted in evaluations, every 15 s as shipped: how long the alert had been firing at the end tells when it began."""
    config = yaml.safe_load((SHIPPED / "prometheus.yml").read_text())["global"]
    assert config["scrape_interval"] == config["evaluation_interval"] == f"{STEP_S}s"
    end_s = HEALTHY_S + WATCHED_S
    firing = f'(count_over_time(ALERTS{{alertname="{alert}",alertstate="firing"}}[{end_s}s]) or vector(0)) * 1'
    # What it is compared with can never be: promtool tells what it found.
    told = {"expr": f"sum({firing})", "eval_time": f"{end_s}s", "exp_samples": [{"value": -1}]}
    case = {"interval": f"{STEP_S}s", "input_series": series, "promql_expr_test": [told]}
    test = {"rule_files": [str((SHIPPED / "alerts.yml").absolute())], "evaluation_interval": f"{STEP_S}s", "tests": [case]}
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump(test))
    said = subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True, timeout=60, check=False)
    found = TOLD.search(said.stdout + said.stderr)
    assert found, said.stdout + said.stderr
    evaluations = round(float(found[1]))
    return end_s - (evaluations - 1) * STEP_S - HEALTHY_S if evaluations else None


def requests(failing_share):
    """Of a healthy app, of whose requests so many fail from HEALTHY_S on."""
    before, after = HEALTHY_S // STEP_S, WATCHED_S // STEP_S
    failing = round(failing_share * REQUESTS_A_STEP)
    right = REQUESTS_A_STEP - failing
    ok = f"0+{REQUESTS_A_STEP}x{before} {REQUESTS_A_STEP * before + right}+{right}x{after}"
    bad = f"0x{before} {failing}+{failing}x{after}"
    return [
        {"series": 'app_requests_total{status="200", outcome="ok", route="/chat"}', "values": ok},
        {"series": 'app_requests_total{status="503", outcome="http_error", route="/chat"}', "values": bad},
    ]


def test_how_long_an_outage_goes_unnoticed(tmp_path):
    """Wins where most fail; of few failures it takes longer, and below its threshold of 5 % for ever."""
    shares = (1.0, 0.5, 0.12, 0.08, 0.06, 0.04)
    took_s = {share: seconds_until_it_fires(tmp_path, "AnswersFail", requests(share)) for share in shares}
    down = f"1x{HEALTHY_S // STEP_S} 0x{WATCHED_S // STEP_S}"
    up = [{"series": 'up{job="reference-app", instance="app:8000"}', "values": down}]
    down_s = seconds_until_it_fires(tmp_path, "AppDown", up)

    print("AnswersFail:", ", ".join(f"{share:.0%} fail: {'never' if s is None else f'{s} s'}" for share, s in took_s.items()))
    print(f"AppDown: {down_s} s")
    known = [took_s[share] for share in shares[:-1]]
    assert known == sorted(known) and down_s < known[0] < CLAIMED_S
    assert took_s[0.12] < CLAIMED_S < took_s[0.06] and took_s[0.04] is None


@pytest.mark.parametrize("share", [1.0, 0.12])
def test_it_is_what_window_threshold_and_patience_add_up_to(tmp_path, share):
    """A rate over 5 minutes passes 5 % once that much of the window is of the outage; then the rule waits 2 minutes more."""
    window_s, threshold, patience_s = 300, 0.05, 120
    told = seconds_until_it_fires(tmp_path, "AnswersFail", requests(share))

    assert told == pytest.approx(ceil(window_s * threshold / share / STEP_S) * STEP_S + patience_s, abs=2 * STEP_S)
