"""What is shipped to run the app: each file by its own validator where there is one, the rest against what it must hold."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
import yaml

from reference_app.settings import Settings

DEPLOY = Path("reference_app/deploy")
KUBERNETES = DEPLOY / "kubernetes" / "app.yaml"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
PARTS = r"_(bucket|sum|count)$"


def run(*command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    told = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def alerts():
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    return group["rules"]


def test_promtool_finds_the_rules_good_and_each_alert_is_tested():
    run("promtool", "check", "rules", str(ALERTS))
    run("promtool", "check", "config", "--syntax-only", str(DEPLOY / "prometheus" / "prometheus.yml"))
    tests = DEPLOY / "prometheus" / "alerts_test.yml"
    run("promtool", "test", "rules", str(tests))

    cases = [case for test in yaml.safe_load(tests.read_text())["tests"] for case in test["alert_rule_test"]]
    fired = {case["alertname"] for case in cases if case["exp_alerts"]}
    silent = {case["alertname"] for case in cases if not case["exp_alerts"]}
    assert fired == silent == {rule["alert"] for rule in alerts()}


def test_alerts_are_of_three_severities_and_say_what_to_do():
    assert {rule["labels"]["severity"] for rule in alerts()} == {"critical", "warning", "info"}
    assert all(rule["annotations"]["summary"] and rule["annotations"]["action"] for rule in alerts())


def names_in(expression):
    return set(re.findall(r"\b(?:app|gen_ai)_[a-z_]+(?=[{\[)\s]|$)", re.sub(r"by \([^)]*\)|\{[^}]*\}", "", expression)))


@pytest.mark.parametrize("api", ["ollama"], indirect=True)
def test_every_metric_that_is_asked_for_is_told(app_with):
    dashboard = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(expressions) > 15 and len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    wanted = set().union(*map(names_in, [*expressions, *(rule["expr"] for rule in alerts())]))

    app = app_with("all", rate_limit="1000/minute")
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", httpx.get(app.url + "/metrics").text, re.MULTILINE))
    unknown = {name for name in wanted if name not in types and types.get(re.sub(PARTS, "", name)) != "histogram"}
    assert len(wanted) > 12 and not unknown


def kubernetes():
    return {one["kind"]: one for one in yaml.safe_load_all(KUBERNETES.read_text())}


def test_the_manifests_hold_what_keeps_a_pod_safe():
    pod = kubernetes()["Deployment"]["spec"]["template"]["spec"]
    (app,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] and app["securityContext"]["readOnlyRootFilesystem"]
    assert not app["securityContext"]["allowPrivilegeEscalation"] and app["securityContext"]["capabilities"] == {
        "drop": ["ALL"]
    }
    assert {"cpu", "memory"} == set(app["resources"]["limits"]) == set(app["resources"]["requests"])
    probed = {name: app[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert probed == {"startupProbe": "/health/live", "livenessProbe": "/health/live", "readinessProbe": "/health/ready"}
    # Minus one while one is replaced: a budget of all would hold up every node.
    assert kubernetes()["PodDisruptionBudget"]["spec"]["minAvailable"] < kubernetes()["Deployment"]["spec"]["replicas"]


def test_a_pod_has_the_time_that_its_streams_may_take():
    pod = kubernetes()["Deployment"]["spec"]["template"]["spec"]
    told = kubernetes()["ConfigMap"]["data"]
    before_s = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert before_s + float(told["APP_DRAIN_S"]) + float(told["APP_SHUTDOWN_S"]) < pod["terminationGracePeriodSeconds"]


def test_kubectl_reads_the_manifests():
    told = run("kubectl", "kustomize", str(DEPLOY / "kubernetes"))
    assert {one["kind"] for one in yaml.safe_load_all(told)} == set(kubernetes())


def test_selectors_meet_what_they_select():
    found = kubernetes()
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels == found["Service"]["spec"]["selector"]
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == found["Deployment"]["metadata"]["name"]


def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_the_compose_file_holds_the_whole_stack():
    services = compose()["services"]

    assert set(services) == {"app", "redis", "postgres", "ollama", "prometheus", "grafana"}
    assert all("deploy" in service and "restart" in service for service in services.values())
    assert all(
        ":" in service["image"] and "latest" not in service["image"] for service in services.values() if "image" in service
    )
    volumes = {one.split(":")[0] for service in services.values() for one in service.get("volumes", [])}
    assert {name for name in volumes if not name.startswith(".")} == set(compose()["volumes"])
    assert all((DEPLOY / name).exists() for name in volumes if name.startswith("."))
    # Reached from this machine only: neither Grafana nor the app asks who is there.
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service.get("ports", []))


def test_the_settings_that_are_shipped_are_settings():
    told = compose()["services"]["app"]["environment"] | kubernetes()["ConfigMap"]["data"]
    given = {name.removeprefix("APP_").lower(): value for name, value in told.items() if not value.startswith("${")}

    assert Settings(**{"redis_url": "redis://redis:6379/0", **given})


def test_the_image_runs_as_nobody_with_pinned_packages():
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    text = "\n".join(lines)

    assert "--require-hashes -r requirements.lock" in text and "HEALTHCHECK" in text and "STOPSIGNAL SIGTERM" in text
    assert lines.index("USER 10001:10001") < next(n for n, line in enumerate(lines) if line.startswith("ENTRYPOINT"))
    copied = [line.split()[1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    assert all(Path(name).exists() for name in copied)
    entry = json.loads(next(line for line in lines if line.startswith("ENTRYPOINT")).removeprefix("ENTRYPOINT "))
    run(".venv/bin/python", *entry[1:], "--check")
