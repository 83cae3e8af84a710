"""The published schema: it is that of the code, it names all there is, and it refuses what is not so."""

import json
from copy import deepcopy
from dataclasses import dataclass, fields
from typing import Any, Literal

import pytest

from harness.foreseen import stratified
from harness.manifest import make_manifest
from harness.scenario import read_scenario
from model_server.physics import Physics
from reports.metrics import METRICS
from reports.render_json import render_json
from reports.report import ArmReport, Report
from reports.schema import FILE, PATH, SCHEMA_VERSION, schema, text
from reports.schema_run import MODEL, RUN, WORKLOAD
from reports.schema_types import Definitions, words_of
from scenarios.workload import Workload
from tests.json_schema import problems

PUBLISHED = schema()


def test_the_file_is_that_of_the_code():
    assert PATH.name == FILE
    assert PATH.read_text() == text(), "the report's types have changed. Write it anew: python -m reports.schema"


def test_a_report_names_its_schema_and_its_version(article: Report):
    told = json.loads(render_json(article))

    assert (told["$schema"], told["schema_version"]) == ("report.schema.json", SCHEMA_VERSION)


def test_every_metric_is_named_with_its_sentence():
    arm = PUBLISHED["properties"]["arms"]["additionalProperties"]
    told = arm["properties"]["metrics"]["properties"]

    assert list(told) == [metric.name for metric in METRICS]
    assert all(metric.sentence in told[metric.name]["description"] for metric in METRICS)


def test_every_field_of_an_arm_and_of_the_report_is_written(article: Report):
    """A field that somebody adds is in report.json and in its schema, or it is named here."""
    told = json.loads(render_json(article))
    arm = told["arms"]["on"]
    elsewhere = {"run", "judged", "verdict", "checks", "ordinary", "details"}

    assert {"name", "landings"} == {one.name for one in fields(ArmReport)} - arm.keys() - arm["recovery"].keys()
    assert {one.name for one in fields(Report)} - elsewhere <= told.keys()


@pytest.mark.parametrize(("schema", "of"), [(WORKLOAD, Workload), (MODEL, Physics)])
def test_the_manifests_tables_are_named_key_by_key(schema: dict[str, Any], of: type):
    assert sorted(schema["properties"]) == sorted(one.name for one in fields(of))


def unnamed(told: Any, schema: dict[str, Any], at: str = "run") -> list[str]:
    """Where a value has a key that its schema does not name."""
    if isinstance(told, list):
        return [one for value in told for one in unnamed(value, schema.get("items", {}), at)]
    if not isinstance(told, dict) or "properties" not in schema:
        return []
    found = [f"{at}.{key}" for key in told.keys() - schema["properties"].keys()]
    named = told.keys() & schema["properties"].keys()
    return found + [one for key in named for one in unnamed(told[key], schema["properties"][key], f"{at}.{key}")]


@pytest.mark.parametrize("name", ["article", "recovery", "openai"])
def test_every_key_of_a_manifest_is_named(name: str):
    scenario = stratified(read_scenario(name))
    manifest = json.loads(json.dumps(make_manifest(scenario, "id", scenario.arms, scenario.bounds)))

    assert {one.removesuffix(".text") for one in unnamed(manifest, RUN)} == {"run.scenario", "run.plan"}
    assert problems(manifest, RUN) == []


def test_the_reports_of_all_sorts_of_runs_keep_to_it(sorts: dict[str, Report]):
    for name, report in sorts.items():
        told = json.loads(render_json(report))

        assert problems(told, PUBLISHED) == [], name
        assert bool(told["gates"]) == (name == "gate")
        assert bool(told["ablation"]) == (name == "ablation")
        assert bool(told["strata"]) == (name == "raised")


def spoiled(told: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The report with another value in one place."""
    told = deepcopy(told)
    *way, last = path.split("/")
    place: Any = told
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    place[last] = value
    return told


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema_version", 1),
        ("surprise", 1),
        ("verdict/state", "good"),
        ("verdict/surprise", 1),
        ("arms/on/metrics/p95_s", "2 s"),
        ("arms/on/metrics/failure_share", 1.2),
        ("arms/on/metrics/surprise", 1),
        ("arms/on/outcomes/ok", 1.5),
        ("arms/on/recovery/overall/met", None),
        ("comparisons/0/differences/p95_s/ratio", "half"),
        ("bounds/0/state", "vacuous"),
        ("problems", "one"),
        ("run/pairs", 0),
        ("run/plan/faults/0/share", "12 %"),
        ("strata", {}),
    ],
)
def test_it_refuses_what_is_not_so(article: Report, path: str, value: Any):
    told = json.loads(render_json(article))

    assert problems(told, PUBLISHED) == []
    assert problems(spoiled(told, path, value), PUBLISHED)


def test_no_object_is_left_bare():
    """Each says which keys it has, or what its values are."""

    def bare(of: Any, at: str) -> list[str]:
        found = [at] if isinstance(of, dict) and "object" in str(of.get("type")) and not OBJECTS & of.keys() else []
        inner = of.items() if isinstance(of, dict) else enumerate(of) if isinstance(of, list) else ()
        return found + [place for key, value in inner for place in bare(value, f"{at}/{key}")]

    assert bare(PUBLISHED, "") == []


OBJECTS = {"properties", "additionalProperties"}


@dataclass(frozen=True)
class Pet:
    """A small
    animal."""

    name: str
    legs: int | None
    """As many as
    it has."""
    state: Literal["awake", "asleep"]
    weights_kg: dict[str, float]
    friends: tuple["Pet", ...] = ()
    secret: object = None


def test_a_type_becomes_a_definition_with_its_words():
    definitions = Definitions({"Pet.name": {"enum": ["Rex"]}}, {"Pet": {"age_s": {"type": "number"}}}, ["Pet.secret"])

    assert definitions.of(Pet | None) == {"anyOf": [{"$ref": "#/$defs/Pet"}, {"type": "null"}]}
    assert words_of(Pet) == {"legs": "As many as it has."}
    assert definitions.found["Pet"] == {
        "description": "A small animal.",
        "type": "object",
        "properties": {
            "name": {"enum": ["Rex"]},
            "legs": {"description": "As many as it has.", "type": ["integer", "null"]},
            "state": {"enum": ["awake", "asleep"]},
            "weights_kg": {"type": "object", "additionalProperties": {"type": "number"}},
            "friends": {"type": "array", "items": {"$ref": "#/$defs/Pet"}},
            "age_s": {"type": "number"},
        },
        "required": ["name", "legs", "state", "weights_kg", "friends", "age_s"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize("kind", [Any, object, tuple[int, str], set[str], complex])
def test_a_type_that_json_does_not_know_is_refused(kind: Any):
    with pytest.raises(TypeError, match="not a type that JSON knows"):
        Definitions().of(kind)


def test_the_schema_is_made_the_same_every_time():
    assert schema() == PUBLISHED == json.loads(text())
