from dataclasses import replace

from harness.length import told_length
from harness.scenario import read_scenario

ARTICLE = read_scenario("article")


def test_what_takes_long_is_told_before_it_begins():
    many = replace(ARTICLE, arms=ARTICLE.arms * 5)

    assert told_length(ARTICLE) is None
    assert told_length(many) == "10 arms of 40 s, one after the other: about 8 minutes."
    assert told_length(replace(ARTICLE, pairs=3)) == "3 pairs of 2 arms of 40 s, one after the other: about 5 minutes."
