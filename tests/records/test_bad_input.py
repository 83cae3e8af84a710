"""How bad input is told."""

from records.bad_input import LONGEST, BadInput


def test_a_problem_that_quotes_a_whole_file_is_cut_in_its_middle():
    told = BadInput("short", f"plan.toml, fault: must be a list, got {'x' * 9000}. Known: a").problems

    assert told[0] == "short"
    assert told[1].startswith("plan.toml, fault: must be a list, got xxx") and told[1].endswith("xxx. Known: a")
    assert len(told[1]) < LONGEST + 10
