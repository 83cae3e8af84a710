"""headwind faults list, show, check and preview; replay is in tests/end_to_end."""

import json
import os
import re
import subprocess
import sys
import tomllib

import pytest

from faults.actions import name_of
from faults.kinds import KINDS
from faults.reading import parse_plan, read_plan
from harness.cli import main
from harness.scenario import PLANS
from harness.told_kinds import entry_of, told_kind

STUTTER = '''from faults.actions import Pause, Seconds


def stutter(message, gap_s: Seconds, share_of_them: float = 0.5, name_it: str = "x"):
    """Come late.  And again.

    More of it.
    """
    yield Pause(gap_s)
    yield message.data
'''


@pytest.fixture
def mine(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "any.py").write_text(STUTTER)
    return folder


@pytest.fixture
def headwind(capsys):
    """headwind("list", ...): exit code, what was said, what was said of errors."""

    def run(*words: object):
        code = main(["faults", *map(str, words)])
        return code, *capsys.readouterr()

    return run


def test_list_names_every_kind_and_every_plan(headwind, mine):
    code, said, _ = headwind("list", "--faults-dir", mine)

    assert code == 0
    for name in [*map(name_of, KINDS), "stutter", *(path.stem for path in PLANS.glob("*.toml"))]:
        assert re.search(rf"^{name}\b", said, re.MULTILINE), name
    assert max(map(len, said.splitlines()[:-1])) <= 80, "nobody knows how wide a pipe is"
    assert "status: a whole number," in said and "…" not in said


def test_list_as_json(headwind, mine):
    code, said, _ = headwind("list", "--json", "--faults-dir", mine)
    told = json.loads(said)

    assert code == 0
    assert [kind["name"] for kind in told["kinds"]] == sorted([*map(name_of, KINDS), "stutter"])
    stutter = next(kind for kind in told["kinds"] if kind["name"] == "stutter")
    assert (stutter["about"], stutter["what"], stutter["line"]) == ("message", "Come late.", 4)
    assert stutter["parameters"][:2] == [
        {"name": "gap_s", "allowed": "a number, at least 0", "needed": True, "default": None},
        {"name": "share_of_them", "allowed": "a number", "needed": False, "default": 0.5},
    ]
    article = next(plan for plan in told["plans"] if plan["name"] == "article")
    assert len(article["faults"]) == 5 and article["what"].startswith("The weather of the published article")


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_every_kind_of_ours_says_what_it_does_and_is_in_the_gallery(kind):
    told = told_kind(kind)

    assert told.what.endswith(".") and told.file.startswith("faults/kinds/")
    assert parse_plan(entry_of(kind), "gallery", KINDS).faults[0].kind is kind
    assert tomllib.loads(entry_of(kind))["fault"][0]["name"] in [
        fault.name for fault in read_plan(PLANS / "gallery.toml").faults
    ]


def test_show_tells_all_of_a_kind_of_ours(headwind):
    code, said, _ = headwind("show", "cut")

    assert code == 0
    assert said.startswith("cut  about the message\n")
    assert "  reset = false: true or false\n" in said
    assert '  [[fault]]\n  name = "cut"\n  kind = "cut"\n' in said
    assert re.search(r"^faults/kinds/cut.py:\d+\n  def cut\(message: Message,", said, re.MULTILINE)


def test_show_tells_all_of_a_kind_of_the_users(headwind, mine):
    code, said, _ = headwind("show", "stutter", "--faults-dir", mine)

    assert code == 0
    assert "Come late.  And again.\n\nMore of it.\n" in said
    assert '  gap_s: a number, at least 0\n  share_of_them = 0.5: a number\n  name_it = "x": a text\n' in said
    assert '  kind = "stutter"\n  share = 0.1\n  # gap_s must be given: a number, at least 0\n' in said
    assert f"{mine}/any.py:4\n  def stutter(" in said


def test_show_of_what_is_no_kind_names_the_nearest(headwind):
    code, said, errors = headwind("show", "cutt")

    assert (code, said) == (2, "")
    assert errors.startswith('"cutt" is not a kind. Did you mean "cut"? Known: answer, ')


def test_check_tells_faults_seed_and_digest(headwind, mine, tmp_path):
    plan = tmp_path / "good.toml"
    plan.write_text('seed = 3\n[[fault]]\nname = "s"\nkind = "stutter"\ngap_s = 1')
    code, said, _ = headwind("check", plan, "article", "--faults-dir", mine)

    assert code == 0
    assert re.fullmatch(rf"{plan}: good, 1 fault, seed 3, digest [0-9a-f]{{8}}\narticle: good, 5 faults, .*\n", said)


def test_check_tells_every_problem_of_every_plan(headwind, mine, tmp_path):
    (mine / "bad.py").write_text("def (")
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text('[[fault]]\nname = "a"\nkind = "ct"\n[[fault]]\nname = "a"\nkind = "drop"\nshare = 2')
    two.write_text('sed = 1\n[[fault]]\nname = "s"\nkind = "stutter"')
    code, said, errors = headwind("check", one, two, "nowhere", "--faults-dir", mine)

    assert (code, said) == (2, "")
    assert [line.removeprefix(f"{tmp_path}/").partition(": ")[0] for line in errors.splitlines()] == [
        "mine/bad.py:1",
        "one.toml, fault[0].kind",
        "one.toml, fault[1].share",
        "two.toml, fault[0].gap_s",
        "two.toml, sed",
        "nowhere",
    ]


def test_preview_tells_how_many_will_be_struck(headwind):
    code, said, _ = headwind("preview", "article", "--scenario", "article")

    assert code == 0
    assert re.search(r"^cut between +cut +12\.0 % +- +73 ", said, re.MULTILINE)
    assert "113 requests meet at least one fault (20.7 %), 8 of them more than one." in said
    assert "First attempts are counted." in said


def test_preview_as_json(headwind):
    code, said, _ = headwind("preview", "article", "--scenario", "article", "--seed", 3, "--json")
    told = json.loads(said)

    assert code == 0
    assert (told["seed"], told["requests"] > 500, len(told["faults"])) == (3, True, 5)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("preview", "articl", "--scenario", "article"), "articl: no such plan. Give a TOML file, or one of: article, "),
        (("preview", "article", "--scenario", "none"), "none: no such scenario. Give a TOML file, or one of: ablation, "),
        (("list", "--faults-dir", "none"), "none: no such folder."),
        (("replay", "none", "p01-000001"), "none: not a run, it holds no run.json."),
    ],
)
def test_bad_input_is_one_sentence(headwind, words, sentence):
    code, said, errors = headwind(*words)

    assert (code, said) == (2, "")
    assert errors.startswith(sentence) and errors.count("\n") == 1


@pytest.mark.parametrize("words", [("list",), ("list", "--json"), ("show", "cut")], ids=" ".join)
def test_a_reader_that_leaves_is_no_bug_of_ours(words):
    """As `headwind faults list | head` does."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "harness", "faults", *words], stdout=write_end, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write_end)

    assert (done.returncode, done.stderr) == (141, "")
