"""The schema of a run's manifest, as report.json repeats it.

Absent and null are the same, and a run that another version left may say more: only what a report needs is required.
"""

from reports.schema_types import Schema, keyed, listed

NUMBER: Schema = {"type": ["number", "null"]}
WHOLE: Schema = {"type": ["integer", "null"]}
TEXT: Schema = {"type": ["string", "null"]}
YES_OR_NO: Schema = {"type": ["boolean", "null"]}


def known(properties: dict[str, Schema], required: tuple[str, ...] = (), **more: object) -> Schema:
    """A table with these keys, which may be absent; null where nothing of it is told."""
    must = {"required": list(required)} if required else {}
    return {"type": "object" if required else ["object", "null"], **more, "properties": properties, **must}


FAULT = known(
    {
        "name": {"type": "string"},
        "kind": {"type": "string"},
        "share": {"type": "number", "description": "Of the calls it aims at, as planned."},
        "on": {"type": "boolean", "description": "Whether its plan has it switched on."},
        "raised_to": {"type": "number", "description": "The share it was made frequent by."},
        "during_s": {
            "description": "When it may strike, from and to, in seconds since the first call; null where it never ends.",
            **listed(NUMBER),
        },
        "spared_of": {"type": "integer", "description": "First attempts it was meant for, where its share spares them all."},
    },
    ("name", "kind"),
)
ARM = known(
    {
        "name": {"type": "string"},
        "features": {"type": "string", "description": "The optimizations that were on."},
        "environment": {**keyed({"type": "string"}), "description": "What the app was started with."},
        "faults": YES_OR_NO | {"description": "False where the plan spared this arm."},
    },
    ("name",),
)
WORKLOAD = known(
    {
        "rate_per_s": NUMBER | {"description": "Arrivals a second; 0 is the closed loop."},
        "users": WHOLE,
        "spawn_per_s": NUMBER,
        "duration_s": NUMBER,
        "deadline_s": NUMBER,
        "stream_share": NUMBER,
        "prompts": WHOLE,
        "zipf_s": NUMBER,
        "temperatures": {"type": ["array", "null"], "items": {"type": "number"}},
        "proof": YES_OR_NO,
    },
    description="What users ask, and when.",
)
PHYSICS: dict[str, Schema] = {
    **dict.fromkeys(("first_token_s", "first_token_sigma", "gap_s", "gap_sigma"), NUMBER),
    **dict.fromkeys(("words", "slots", "queue", "seed"), WHOLE),
    "model": TEXT,
}
MODEL = known(
    {**PHYSICS, "also": listed(known(PHYSICS)) | {"description": "The models beside it, where there are some."}},
    description="The embedded model's physics.",
)
APP = known(
    {
        "command": listed({"type": "string"}),
        "provider_variable": TEXT,
        "provider_path": TEXT,
        "ready": TEXT,
        "directory": TEXT,
        "environment": keyed({"type": "string"}),
    },
    description="An app of the user's own; null where it was the reference app.",
)
ABLATION = known(
    {
        "on": TEXT,
        "off": TEXT,
        "features": keyed(known({"alone": TEXT, "left_out": TEXT}), description="The arms of each feature."),
    },
    description="Which arms tell what each feature is worth.",
)
GATE = known(
    {
        "comparisons": listed(
            known({"base": TEXT, "candidate": TEXT, "expected": TEXT}), description="Who stands against whom."
        ),
        "tolerance": NUMBER | {"description": "The share by which P95 may grow."},
        "failure_tolerance": NUMBER | {"description": "By how much the share of failures may grow."},
        "looks": listed(known({"pairs": WHOLE, "alpha": NUMBER})),
        "counted": listed({"type": "integer"}, description="The pairs that were valid."),
        "told": listed({"type": "string"}, description="Pairs that were invalid and run again, and what else must be known."),
        "invalid": listed({"type": "string"}, description="Why the run came to no end: a pair that stayed invalid."),
        "against": known({"revision": TEXT, "commit": TEXT, "candidate_commit": TEXT, "changed_files": WHOLE}),
        "planted_s": NUMBER | {"description": "How long each call was held up, where the gate itself was on trial."},
        "verdicts": listed({"$ref": "#/$defs/Said"}, description="What it said as the run went on."),
    },
    description="Under which rules the gate was asked; what it said is in `gates`.",
)
SAID = known(
    {
        **dict.fromkeys(("base", "candidate", "state"), TEXT),
        "reasons": listed({"type": "string"}),
        "smallest_effect": NUMBER,
        "looks": listed({"$ref": "#/$defs/Looked"}),
    },
    description="What the gate said of a comparison, in the manifest.",
)
BY_FOLDER: Schema = {"type": ["object", "null"], "additionalProperties": {"type": "number"}}
PRICES = known(
    {
        **dict.fromkeys(("name", "source", "as_of"), TEXT),
        "currency": TEXT | {"description": "What every figure in money is in."},
        "models": keyed(known(dict.fromkeys(("input_per_million", "output_per_million"), NUMBER))),
    },
    description="The price list that costs are told by.",
)
RUN = known(
    {
        "id": TEXT,
        "state": {"enum": ["complete", "partial"]},
        "seed": WHOLE,
        "scenario": known({"name": TEXT, "path": TEXT, "summary": TEXT}),
        "plan": known({"name": TEXT, "path": TEXT, "faults": listed(FAULT)}, description="What was to strike."),
        "plan_seed": WHOLE | {"description": "What chance was keyed by, where the plan has a seed of its own."},
        "embedded": YES_OR_NO | {"description": "Whether the app ran behind our own proxy and model server."},
        "app": APP,
        "arms": {"type": "array", "items": ARM, "minItems": 1},
        "reference": TEXT | {"description": "The arm that all others are compared to; null: the first."},
        "ablation": ABLATION,
        "gate": GATE,
        "panel": {
            "type": ["array", "null"],
            "items": {"type": "string"},
            "description": "What each pair of the gate was drawn by.",
        },
        "pairs": {"type": "integer", "minimum": 1},
        "deadline_s": {"type": "number", "exclusiveMinimum": 0},
        "duration_s": NUMBER,
        "rate_per_s": NUMBER,
        "workload": WORKLOAD,
        "model": MODEL,
        "bounds": {"type": ["array", "null"], "items": {"type": "string"}},
        "goodput": known(dict.fromkeys(("ttft_s", "gap_s", "total_s"), NUMBER), description="What a request must keep to."),
        "prices": PRICES,
        "versions": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
        "machine": known({"system": TEXT, "cores": WHOLE, "processor": TEXT}),
        "clocks": known({"monotonic_s": NUMBER, "wall_s": NUMBER}, description="The same moment on both clocks."),
        "command": TEXT | {"description": "What repeats the run."},
        "planned": {
            "description": "How many requests the schedule holds, by the arm's folder.",
            "type": ["object", "null"],
            "additionalProperties": {"type": "integer"},
        },
        "ended_early": {"type": ["array", "null"], "items": {"type": "string"}},
        "cpu_share": {
            "description": "Cores used while the load ran, by the arm's folder and the process.",
            "type": ["object", "null"],
            "additionalProperties": keyed({"type": "number"}),
        },
        "steal_share": BY_FOLDER | {"description": "Of the machine's CPU time, what its host gave to others."},
        "achieved_share": BY_FOLDER | {"description": "Of the scheduled requests, those sent before the schedule's end."},
    },
    required=("state", "arms", "pairs", "deadline_s"),
    description="The run's manifest, without the texts of its scenario and its plan.",
)
