"""The Chaos tab of Locust's web UI: its page, its files, and the requests by which it tells and changes the faults of a run."""

from pathlib import Path
from typing import Any, Protocol

from flask import Blueprint, Response, jsonify, request, send_file, send_from_directory

from scenarios.web_ui import foreign_origin

FILES = Path(__file__).with_name("chaos")
TAB = {"title": "Chaos", "key": "chaos"}
# Locust's page knows no tab with content of one's own: this script puts it there, and it needs no network.
SCRIPT = '<script src="./chaos/chaos.js"></script>'

Answer = tuple[int, dict[str, Any]]


class Chaos(Protocol):
    """What goes on with the faults."""

    def told(self) -> dict[str, Any]:
        """What the page shows."""

    def change(self, asked: Any) -> Answer:
        """Status and JSON; `problems` where it cannot be done."""

    def report(self) -> Path | None:
        """Of the last run that has ended."""


def add_chaos_tab(web_ui: Any, chaos: Chaos, base_path: str | None = None) -> None:
    """To be called in Locust's `init`; there are tabs once a test was started, and until then a page of its own."""
    web_ui.template_args["extended_tabs"] = [*web_ui.template_args.get("extended_tabs", []), TAB]
    pages = Blueprint("chaos", __name__)
    pages.before_request(_refusal)
    for path, view, method in [
        ("/chaos", lambda: send_from_directory(FILES, "chaos.html"), "GET"),
        ("/chaos/<path:name>", lambda name: send_from_directory(FILES, name), "GET"),
        ("/chaos/faults", lambda: jsonify(chaos.told()), "GET"),
        ("/chaos/faults", lambda: _changed(chaos), "POST"),
        ("/chaos/report", lambda: _report(chaos), "GET"),
    ]:
        pages.add_url_rule(path, f"{method} {path}".replace(".", "_"), web_ui.auth_required_if_enabled(view), methods=[method])
    web_ui.app.register_blueprint(pages, url_prefix=base_path or None)
    web_ui.app.after_request(_with_script)


def _refusal() -> tuple[Response, int] | None:
    # Locust lets every web site read what it answers; what strikes whom is nobody else's business.
    origin = foreign_origin()
    if origin is not None:
        return jsonify({"problems": [f"Requests from {origin} are refused."]}), 403
    if request.method == "POST" and not request.is_json:
        return jsonify({"problems": ["A change must be JSON, with the header content-type: application/json."]}), 415
    return None


def _changed(chaos: Chaos) -> tuple[Response, int]:
    status, told = chaos.change(request.get_json(silent=True))
    return jsonify(told), status


def _report(chaos: Chaos) -> Response | tuple[str, int]:
    path = chaos.report()
    return send_file(path.resolve()) if path else ("There is no report yet: it is written when a test ends.\n", 404)


def _with_script(response: Response) -> Response:
    if request.endpoint == "locust.index" and response.mimetype == "text/html" and response.status_code == 200:
        response.set_data(response.get_data(as_text=True).replace("</body>", f"{SCRIPT}</body>"))
    return response
