"""A figure as SVG that belongs to the page."""

from xml.etree import ElementTree

from reports.svg import ARMS, INK, a_figure, as_svg, legend


def drawn(name: str) -> str:
    figure, (axes,) = a_figure(2)
    axes.plot([0, 1], [0, 1], color=ARMS[1], label="a < b & $c$")
    axes.text(0.5, 0.5, "here", color=INK)
    legend(axes)
    return as_svg(figure, name, "A <title>", "What & why")


def test_it_inherits_colours_and_text():
    svg = drawn("one")

    assert "var(--arm-1, currentColor)" in svg
    assert "currentColor" in svg
    assert ">here</text>" in svg
    assert "DejaVu" not in svg


def test_it_is_the_same_every_time_and_unlike_its_neighbour():
    assert drawn("one") == drawn("one")
    assert 'id="one-' in drawn("one")
    assert 'id="one-' not in drawn("two")


def test_words_are_escaped():
    root = ElementTree.fromstring(drawn("one"))
    space = "{http://www.w3.org/2000/svg}"

    assert root.find(f"{space}title").text == "A <title>"
    assert root.find(f"{space}desc").text == "What & why"
    assert any(text.text == "a < b & $c$" for text in root.iter(f"{space}text"))


def test_it_takes_the_width_of_the_page():
    root = ElementTree.fromstring(drawn("one"))

    assert root.get("viewBox")
    assert root.get("width") is None
