"""Answers with the wrong label."""

from faults.actions import Actions, Headers


def wrong_content_type(headers: Headers, content_type: str = "text/html") -> Actions:
    """Say that the body is of another `content_type` than it is, of a stream and of a JSON body."""
    yield {"content-type": content_type}
