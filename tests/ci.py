"""A runner of CI jobs, as far as our steps need one: it really runs their shell, with stand-ins for what is not here."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
NAME = re.compile(r"\b(?:inputs|steps|github)(?:\.[A-Za-z_][A-Za-z0-9_-]*)+")
GATE_SAID = "6 pairs of 2 arms of 20 s take about 5 minutes.\npair 1: P95 0.512 s candidate, 0.498 s base, ratio 1.028\n"

# What `headwind gate` leaves is recorded: a real one takes minutes. Whatever else is asked of it, the real one does.
HEADWIND = """#!/bin/sh
if [ "$1" = gate ]; then
  for word in "$@"; do printf '%s\\n' "$word"; done > "$ASKED"
  printf '%s' "$GATE_SAID"
  [ -z "$RECORDED" ] || printf '\\nReport: %s/report.html\\n' "$RECORDED"
  exit "$GATE_CODE"
fi
exec {python} -m harness "$@"
"""
# Stands in for the Python of setup-python: what it installs is noted down.
PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
  mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$STANDINS/headwind" "$3/bin/headwind"; exit
fi
if [ "$1 $2" = "-m pip" ]; then printf '%s\\n' "$*" >> "$INSTALLED"; exit; fi
exec {python} "$@"
"""
GH = """#!{python}
import sys; sys.path.insert(0, {root!r})
from tests.ci import answer_gh
sys.exit(answer_gh(sys.argv[1:]))
"""


def answer_gh(words: list[str]) -> int:
    """`gh api`, with the comments of a file; GH_DENIED makes it refuse to write, as to the token of a fork."""
    assert words.pop(0) == "api"
    flags = dict(pairwise(words))
    path = next(word for word in words if word.startswith("repos/"))
    comments = Path(os.environ["COMMENTS"])
    told = json.loads(comments.read_text())
    if "--jq" in flags:
        assert flags["--jq"] == ".[] | select(.body | startswith(env.MARKER)) | .id"
        print(*(one["id"] for one in told if one["body"].startswith(os.environ["MARKER"])), sep="\n", end="")
        return 0
    if os.environ.get("GH_DENIED"):
        print("gh: Resource not accessible by integration (HTTP 403)", file=sys.stderr)
        return 1
    body = Path(flags["-F"].removeprefix("body=@")).read_text()
    if flags["--method"] == "POST":
        assert path.endswith("/issues/7/comments")
        told.append({"id": 100 + len(told), "body": body})
    else:
        assert flags["--method"] == "PATCH"
        next(one for one in told if str(one["id"]) == path.rpartition("/")[2])["body"] = body
    comments.write_text(json.dumps(told))
    return 0


@dataclass
class Job:
    """A job on a runner, in a folder of its own."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    said: str = ""

    def __post_init__(self) -> None:
        self.bin, self.temp = self.folder / "bin", self.folder / "temp"
        for one in (self.bin, self.temp, self.folder / "work"):
            one.mkdir(parents=True, exist_ok=True)
        for name, text in {"headwind": HEADWIND, "python": PYTHON, "gh": GH}.items():
            (self.bin / name).write_text(text.format(python=sys.executable, root=str(ROOT)))
            (self.bin / name).chmod(0o755)
        if not self.file("comments.json").exists():
            self.file("comments.json").write_text(json.dumps([{"id": 1, "body": "Looks good to me"}]))

    def file(self, name: str) -> Path:
        return self.folder / name

    @property
    def comments(self) -> list[dict[str, Any]]:
        return list(json.loads(self.file("comments.json").read_text()))

    @property
    def environment(self) -> dict[str, str]:
        files = {"COMMENTS": "comments.json", "ASKED": "asked", "INSTALLED": "installed", "STANDINS": "bin"}
        own = {"PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", "GATE_SAID": GATE_SAID, "PYTHONPATH": str(ROOT)}
        return {**os.environ, **own, **{name: str(self.file(path)) for name, path in files.items()}, **self.variables}

    def shell(self, script: str, environment: Mapping[str, str] = {}) -> int:
        """As GitHub's `shell: bash` runs it; the exit code."""
        path = self.temp / "step.sh"
        path.write_text(script)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(path)],
            cwd=self.folder / "work",
            env=self.environment | dict(environment),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.said += done.stdout + done.stderr
        return done.returncode


class Action:
    """Our action, step by step."""

    def __init__(self, job: Job, inputs: Mapping[str, str], event: Mapping[str, Any]) -> None:
        self.job, self.outputs = job, {"python": {"python-path": str(job.bin / "python")}}
        self.context: dict[str, Any] = {"github": {"event": event, "token": "t0ken"}, "steps": self._steps}
        declared = {name: self.filled(str(one.get("default", ""))) for name, one in ACTION["inputs"].items()}
        assert inputs.keys() <= declared.keys()
        self.context["inputs"] = declared | dict(inputs)
        self.summary = job.file("summary.md")
        self.ran: list[str] = []

    @property
    def _steps(self) -> dict[str, Any]:
        return {name: {"outputs": told} for name, told in self.outputs.items()}

    def value(self, name: str) -> Any:
        """What a name stands for: an input or a step that is not there fails the test, what an event lacks is empty."""
        place: Any = self.context | {"steps": self._steps}
        for part in name.split("."):
            if not isinstance(place, Mapping) or (part not in place and name.startswith("github.event")):
                return ""
            place = place[part]
        return place

    def filled(self, text: str) -> str:
        """With every expression replaced by its value."""
        return re.sub(r"\$\{\{(.*?)\}\}", lambda of: str(self.evaluated(of[1])), text)

    def evaluated(self, expression: str) -> Any:
        told = NAME.sub(lambda of: repr(self.value(of[0])), expression)
        return eval(told.replace("&&", " and ").replace("||", " or ").strip(), {"__builtins__": {}})

    def run(self) -> int:
        """All steps, up to the first that fails; the job's exit code."""
        for step in ACTION["runs"]["steps"]:
            if not self.evaluated(step.get("if", "True").strip().removeprefix("${{").removesuffix("}}")):
                continue
            self.ran.append(step["name"])
            if "run" in step and (code := self._shell(step)):
                return code
            if "uses" in step:
                self.filled(json.dumps(step["with"]))
        return 0

    def _shell(self, step: Mapping[str, Any]) -> int:
        job, output = self.job, self.job.file("output")
        output.write_text("")
        own = {name: self.filled(str(told)) for name, told in step.get("env", {}).items()}
        known = {
            "RUNNER_TEMP": job.temp,
            "GITHUB_OUTPUT": output,
            "GITHUB_STEP_SUMMARY": self.summary,
            "GITHUB_ACTION_PATH": ROOT,
            "GITHUB_REPOSITORY": "a-team/an-app",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "42",
        }
        code = job.shell(step["run"], {name: str(told) for name, told in known.items()} | own)
        lines = [line.partition("=") for line in output.read_text().splitlines()]
        self.outputs.setdefault(step.get("id", ""), {}).update({name: told for name, _, told in lines})
        return code


@contextmanager
def gitlab(notes: list[dict[str, Any]], refuses: bool = False) -> Iterator[str]:
    """The notes of a merge request behind GitLab's API, at the address that this gives."""

    class Notes(BaseHTTPRequestHandler):
        def _answer(self, told: Any, status: int = 200) -> None:
            assert self.headers["PRIVATE-TOKEN"] == "t0ken"
            assert urlsplit(self.path).path.startswith("/projects/5/merge_requests/9/notes")
            self.send_response(403 if refuses else status)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def _body(self) -> str:
            return parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["body"][0]

        def do_GET(self) -> None:
            self._answer(notes)

        def do_POST(self) -> None:
            notes.append({"id": 300 + len(notes), "body": self._body()})
            self._answer(notes[-1], 201)

        def do_PUT(self) -> None:
            note = next(one for one in notes if str(one["id"]) == self.path.rpartition("/")[2])
            note["body"] = self._body()
            self._answer(note)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Notes)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
