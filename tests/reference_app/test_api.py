"""/openapi.json says all that the routes do; what schemathesis makes of it meets no error of ours."""

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

pytestmark = pytest.mark.parametrize("api", ["ollama"], indirect=True)
EXAMPLES = {GenerationMode.POSITIVE: 15, GenerationMode.NEGATIVE: 8}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def described(app):
    return httpx.get(app.url + "/openapi.json").json()


def test_all_routes_are_described_with_all_they_answer(app_with):
    told = described(app_with("all"))["paths"]

    assert {"/chat", "/chat/stream", "/health/live", "/health/ready", "/metrics"} <= set(told)
    for route in ("/chat", "/chat/stream"):
        assert {"200", "400", "413", "422", "429", "4XX", "500", "503", "504"} == set(told[route]["post"]["responses"])
        assert all(answer["content"] and answer["description"] for answer in told[route]["post"]["responses"].values())
    assert {"200", "400", "413", "422", "4XX", "500"} == set(told["/chat/batch"]["post"]["responses"])
    events = told["/chat/stream"]["post"]["responses"]["200"]["content"]["text/event-stream"]["schema"]["description"]
    assert all(f"`{name}`" in events for name in ("token", "reset", "done", "error"))
    assert set(told["/health/ready"]["get"]["responses"]) == {"200", "503"}
    assert all(operation.get("description") for methods in told.values() for operation in methods.values())


def test_schemathesis_finds_no_error(app_with, provider):
    """Over TCP, with all features on; its strange requests and its good ones."""
    app = app_with("all")
    schema = schemathesis.openapi.from_url(app.url + "/openapi.json")
    asked = 0
    operations = [result.ok() for result in schema.get_all_operations()]
    good = [(operation, GenerationMode.POSITIVE) for operation in operations]
    strange = [(operation, GenerationMode.NEGATIVE) for operation in operations if operation.body]
    for operation, mode in good + strange:

        @settings(
            max_examples=EXAMPLES[mode], deadline=None, database=None, derandomize=True,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def one(case):
            nonlocal asked
            asked += 1
            case.call_and_validate(checks=CHECKS)

        one()
    assert asked > 40 and strange
