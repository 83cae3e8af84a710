"""Kinds of the user's own: found by name beside ours, refused with file and line."""

import sys
from pathlib import Path

import pytest

from faults.actions import Message, Pause, name_of
from faults.found import find_kinds, load_kinds
from faults.kinds import KINDS
from faults.parameters import check_parameters
from faults.reading import parse_plan
from records.bad_input import BadInput

STUTTER = """
from faults.actions import Pause, Seconds

def stutter(message, seconds: Seconds = 0.2):
    if message.index % 3 == 2:
        yield Pause(seconds)
    yield message.data
"""


@pytest.fixture
def write(tmp_path):
    """write("a.py", text, ...): the folder that then holds these files."""
    folder = tmp_path / "mine"
    folder.mkdir()

    def files(*named: str) -> Path:
        for name, text in zip(named[::2], named[1::2], strict=True):
            (folder / name).write_text(text)
        return folder

    return files


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(BadInput) as told:
        find_kinds(folder)
    return [problem.replace(f"{folder}/", "") for problem in told.value.problems]


def test_without_a_folder_there_are_ours():
    assert find_kinds("") == KINDS


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_every_kind_of_ours_would_be_found_in_a_folder_too(kind):
    check_parameters(kind)


def test_a_function_that_yields_is_a_kind_by_its_name(write):
    kinds = find_kinds(write("a.py", STUTTER))

    assert kinds[:-1] == KINDS and name_of(kinds[-1]) == "stutter"
    assert list(kinds[-1](Message(2, 0, b"x"), seconds=3)) == [Pause(3), b"x"]


def test_a_plan_names_it_and_sets_its_parameters(write):
    text = '[[fault]]\nname = "s"\nkind = "stutter"\nseconds = [1, 2]\n[[fault]]\nname = "t"\nkind = "stutter"\nseconds = -1'
    with pytest.raises(BadInput) as told:
        parse_plan(text, "my.toml", find_kinds(write("a.py", STUTTER)))

    assert told.value.problems == ("my.toml, fault[1].seconds: must be at least 0, got -1",)


def test_helpers_imports_and_tests_are_no_kinds(write):
    folder = write(
        "a.py",
        "from _shared import every\nfrom faults.kinds.cut import cut\nfrom b import other\n"
        "def _helper(x):\n    yield x\ndef plain(message):\n    return 1\n"
        "class Bag:\n    def kind(message):\n        yield 1\ndef mine(message):\n    yield every(message)\n",
        "b.py",
        "def other(message):\n    yield message.data\n",
        "_shared.py",
        "def every(message):\n    return message.data\n",
        "test_a.py",
        "raise AssertionError('a test is not for us to load')\n",
        "conftest.py",
        "raise AssertionError('nor this')\n",
    )
    before, path = set(sys.modules), list(sys.path)

    assert [name_of(kind) for kind in find_kinds(folder)[len(KINDS) :]] == ["mine", "other"]
    assert {name for name in set(sys.modules) - before if "_shared" in name or name == "b"} == set()
    assert sys.path == path


def test_a_dataclass_of_text_annotations_loads(write):
    """They look for their module where modules are."""
    folder = write(
        "a.py",
        "from __future__ import annotations\nfrom dataclasses import dataclass, field\n"
        "@dataclass\nclass Seen:\n    ids: list[str] = field(default_factory=list)\n"
        "def once(request, shared: Seen):\n    shared.ids.append(request.id)\n    yield {}\n",
    )
    assert name_of(find_kinds(folder)[-1]) == "once"


def test_an_edited_file_is_read_anew_and_leaves_nothing_beside_it(write):
    assert name_of(find_kinds(write("a.py", "def one(message):\n    yield b''\n"))[-1]) == "one"
    folder = write("a.py", "def two(message):\n    yield b''\n")

    assert name_of(find_kinds(folder)[-1]) == "two"
    assert [path.name for path in folder.iterdir()] == ["a.py"]


def test_everything_wrong_with_a_folder_is_told_at_once(write):
    folder = write(
        "a.py",
        STUTTER + "def cut(message):\n    yield message.data\ndef each(chunk):\n    yield chunk\n",
        "b.py",
        "def stutter(message):\n    yield b''\n",
        "c.py",
        "def half(message:\n    yield b''\n",
        "d.py",
        "import json\n\njson.loads('{')\n",
        "e.py",
        "from nowhere import something\n",
        "f.py",
        "def bag(message, memory):\n    yield b''\ndef box(message, shared: open):\n    yield b''\n",
        "g.py",
        "async def late(message):\n    yield b''\n",
    )
    names = "the first parameter must be one of request, headers, message"
    assert problems_of(folder) == [
        "c.py:1: '(' was never closed",
        "d.py:3: JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        "e.py:1: ModuleNotFoundError: No module named 'nowhere'",
        "g.py:1: late: must not be async: it yields Pause where it wants to wait",
        "a.py:8: cut: this name is of a kind of ours, give yours another",
        f"a.py:10: each: {names}; if it is a helper, begin its name with _",
        "b.py:1: stutter: this name is taken at a.py:4, give yours another",
        "f.py:1: bag: memory needs a type that can be called without arguments, such as `list`",
        "f.py:3: box: TypeError: open() missing required argument 'file' (pos 1)",
    ]
    problems: list[str] = []
    assert name_of(load_kinds(folder, problems)[-1]) == "stutter", "what is right is there all the same"


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ("at: list[int]", "a plan cannot set at: list[int]: it may be int, float, bool, str, dict, or Annotated[int, 0, 9]"),
        ("at: 'Annotated[int, 0]'", "a plan cannot set at: 'Annotated[int, 0]': it may be"),
        ("at: 'Sometime'", "NameError: name 'Sometime' is not defined"),
        ("*ats", "a plan cannot set *ats: parameters are set by name"),
        ("share=0.5", "a plan cannot set share=0.5: share is a key of every fault, give the parameter another name"),
    ],
)
def test_a_parameter_that_a_plan_could_not_set(write, parameters, told):
    folder = write("a.py", f"from typing import Annotated\ndef mine(message, {parameters}):\n    yield b''\n")
    (problem,) = problems_of(folder)

    assert problem.startswith(f"a.py:2: mine: {told}")


@pytest.mark.parametrize("text", ["import sys\nsys.exit(3)\n", "x = 1 / 0\n"])
def test_a_script_that_does_not_load_ends_nobody_else(write, text):
    (problem,) = problems_of(write("a.py", text))

    assert problem.startswith(f"a.py:{text.count(chr(10))}: ")


def test_a_folder_without_kinds(write):
    (problem,) = problems_of(write("a.py", "def plain(message):\n    return message.data\n"))

    assert problem.endswith("holds no kind: no function that yields, about request, headers, message, in any .py file")


@pytest.mark.parametrize(("name", "told"), [("nowhere", "no such folder"), ("a.py", "is a file, name the folder it is in")])
def test_no_folder(write, name, told):
    (problem,) = problems_of(write("a.py", STUTTER) / name)

    assert told in problem
