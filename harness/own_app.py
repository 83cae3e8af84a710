"""An app of the user's own under test: the `[app]` table of a scenario, and what such an app is started with."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any

from records.strict import Table

PORT = "{port}"
"""In the command or in a value of the environment: where the app shall listen on 127.0.0.1."""
FEATURES = "APP_FEATURES"
"""The variable that tells the app an arm's features."""
_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class OwnApp:
    """How the app is started, and where it learns of its provider."""

    command: tuple[str, ...]
    provider_variable: str
    """The environment variable that gets its provider's base URL, which is that of our proxy."""
    provider_path: str = ""
    """Such as "/v1": what the base URL ends with."""
    ready: str = "/"
    """A path that answers below 500 when the app is up."""
    directory: Path = Path()
    environment: Mapping[str, str] = field(default_factory=dict)

    def words(self, port: int) -> list[str]:
        return [word.replace(PORT, str(port)) for word in self.command]

    def told(self, port: int, provider_url: str, features: str, arm: Mapping[str, str]) -> dict[str, str]:
        """Its environment, beside what it inherits; an arm's goes before the app's own, and no proxy is left out."""
        own = {name: value.replace(PORT, str(port)) for name, value in self.environment.items()}
        switched = {FEATURES: features} if features else {}
        return own | switched | dict(arm) | {self.provider_variable: provider_url + self.provider_path}


def as_told(app: OwnApp | None) -> dict[str, Any] | None:
    """For the manifest."""
    if app is None:
        return None
    return vars(app) | {"command": list(app.command), "directory": str(app.directory), "environment": dict(app.environment)}


def from_told(told: Mapping[str, Any] | None) -> OwnApp | None:
    """From a manifest."""
    if told is None:
        return None
    return OwnApp(**dict(told) | {"command": tuple(told["command"]), "directory": Path(told["directory"])})


def read_app(scenario: Table, path: Path) -> OwnApp | None:
    """The `[app]` of the scenario in `path`; None where there is none. What is wrong joins the problems."""
    table = scenario.table("app")
    if "app" not in scenario.values:
        return None
    directory = (path.parent / table.text("directory")).absolute()
    app = OwnApp(
        command=_read_command(table),
        provider_variable=table.text("provider_variable", required=True),
        provider_path=table.text("provider_path"),
        ready=table.text("ready", "/"),
        directory=directory,
        environment=_read_environment(table),
    )
    table.close()
    _check_command(table, app)
    if app.provider_variable and not _VARIABLE.fullmatch(app.provider_variable):
        table.problem("provider_variable", f'"{app.provider_variable}" is no name of a variable. Such as OLLAMA_HOST')
    for key in ("provider_path", "ready"):
        if getattr(app, key) and not getattr(app, key).startswith("/"):
            table.problem(key, f'must begin with "/", got "{getattr(app, key)}"')
    return app


def _read_command(table: Table) -> tuple[str, ...]:
    table.asked.add("command")
    words = table.values.get("command")
    if words is None:
        table.problem("command", f'is missing. A list of words, such as ["python", "app.py", "--port", "{PORT}"]')
    elif not isinstance(words, list) or not words or not all(isinstance(word, str) and word for word in words):
        table.problem("command", f"must be a list of words, got {words!r}")
    else:
        return tuple(words)
    return ()


def _read_environment(table: Table) -> dict[str, str]:
    told = table.table("environment")
    return {name: told.text(name) for name in told.values}


def _check_command(table: Table, app: OwnApp) -> None:
    if not app.directory.is_dir():
        table.problem("directory", f"{app.directory} is no folder")
        return
    if not app.command:
        return
    if not any(PORT in text for text in (*app.command, *app.environment.values())):
        table.problem("command", f"never says {PORT}: the app must be told where to listen, here or in its environment")
    if not _is_there(app.command[0], app.directory):
        table.problem("command", f'"{app.command[0]}" is not there to be started, neither on the PATH nor in {app.directory}')


def _is_there(program: str, directory: Path) -> bool:
    # With a slash in it, it is looked for where the app will be started.
    return which(str(directory / program) if os.sep in program else program) is not None
