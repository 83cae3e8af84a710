"""What breaks a JSON Schema, as sentences."""

from typing import Any

from jsonschema import Draft202012Validator


def problems(value: Any, schema: dict[str, Any]) -> list[str]:
    """A line for each place that breaks a rule; empty where the value is as the schema says."""
    Draft202012Validator.check_schema(schema)
    found = Draft202012Validator(schema).iter_errors(value)
    return [f"{error.json_path}: {error.message[:300]}" for error in found]
