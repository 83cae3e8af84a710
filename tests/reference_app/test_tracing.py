"""One trace from the user's call to the provider's; OpenTelemetry and LangSmith only where they are asked for."""

import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from reference_app.trace import trace_of
from tests.reference_app.conftest import until

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("given", "kept", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", True, "01"),
        (f"00-{TRACE}-{SPAN}-00", True, "00"),
        (f"cc-{TRACE}-{SPAN}-ff-later", True, "01"),
        (f"00-{TRACE}-{SPAN}-01-more", False, "01"),
        (f"ff-{TRACE}-{SPAN}-01", False, "01"),
        (f"00-{'0' * 32}-{SPAN}-01", False, "01"),
        (f"00-{TRACE}-{'0' * 16}-01", False, "01"),
        (f"00-{TRACE.upper()}-{SPAN}-01", False, "01"),
        (f"00-{TRACE}-{SPAN}-01\r\nx: y", False, "01"),
        ("", False, "01"),
    ],
)
def test_a_trace_is_taken_over_only_in_good_form(given, kept, flags):
    told = trace_of(given.encode())

    assert (told.trace_id == TRACE) is kept and told.flags == flags and told.span_id != SPAN
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", str(told))


@pytest.mark.parametrize("features", ["none", "all"])
def test_it_goes_to_the_provider_the_log_and_back(app_with, provider, features):
    app, request_id = app_with(features), f"traced-{features}"
    headers = {"x-request-id": request_id, "traceparent": f"00-{TRACE}-{SPAN}-01"}
    told = httpx.post(app.url + "/chat", json={"question": f"n=2 status=503 times=1 {features}"}, headers=headers)

    assert told.headers["traceparent"].split("-")[1] == TRACE
    assert {seen.headers["traceparent"].split("-")[1] for seen in provider.of(request_id)} == {TRACE}
    assert app.request_row(request_id)["trace_id"] == TRACE
    assert {row["trace_id"] for row in app.rows("attempt", request_id)} == {TRACE}


def test_without_one_each_request_has_its_own(app_with):
    app = app_with("none")
    ids = [app.request_row(app.ask("n=1").request_id)["trace_id"] for _ in range(2)]
    assert len(set(ids)) == 2


class Collector:
    """Takes spans as an OpenTelemetry collector does; other paths are counted, too."""

    def __init__(self):
        self.spans, self.paths, outer = [], [], self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.paths.append(self.path)
                if self.path == "/v1/traces":
                    told = ExportTraceServiceRequest.FromString(body)
                    outer.spans += [s for r in told.resource_spans for scope in r.scope_spans for s in scope.spans]
                self.send_response(200)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.server.shutdown()


def test_spans_of_a_request_and_of_its_calls_are_one_trace(start, provider, collector, tmp_path):
    log = tmp_path / "app.jsonl"
    flags = ("--provider", provider.api, "--provider-url", provider.url, "--features", "retry", "--log-path", log)
    app = start("reference_app", *flags, APP_OTEL_ENDPOINT=collector.url, APP_RETRY_BASE_S="0.001")
    headers = {"x-request-id": f"spans-{provider.api}", "traceparent": f"00-{TRACE}-{SPAN}-01"}
    body = {"question": "n=50 status=503 times=1"}
    assert "event: done" in httpx.post(app.url + "/chat/stream", json=body, headers=headers).text
    assert app.stop() == 0
    spans = until(lambda: len(collector.spans) >= 3 and collector.spans)

    # One for the request, one for each call, and none for the 50 tokens.
    assert len(spans) == 3 and {span.trace_id.hex() for span in spans} == {TRACE}
    (request,) = [span for span in spans if span.parent_span_id.hex() == SPAN]
    assert {span.parent_span_id for span in spans if span is not request} == {request.span_id}
    calls = {seen.headers["traceparent"].split("-")[2] for seen in provider.of(f"spans-{provider.api}")}
    assert calls == {span.span_id.hex() for span in spans if span is not request}
    assert f'"trace_id":"{TRACE}"' in log.read_text()


@pytest.mark.parametrize("api", ["ollama"], indirect=True)
def test_a_collector_that_is_away_costs_no_request(start, provider):
    app = start("reference_app", "--provider-url", provider.url, "--features", "none", APP_OTEL_ENDPOINT="http://127.0.0.1:9")
    answer = httpx.post(app.url + "/chat", json={"question": "n=3"})
    assert answer.json()["answer"] == provider.words(3) and app.stop() == 0


def test_off_is_not_imported():
    """LangSmith brings the interface along; what makes and sends spans stays out."""
    code = (
        "import sys; from reference_app.app import create_app; create_app(); "
        "print([m for m in sys.modules if m.startswith(('opentelemetry.instr', 'opentelemetry.exp'))])"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30)
    assert told.stdout == "[]\n"


@pytest.mark.parametrize("api", ["ollama"], indirect=True)
@pytest.mark.parametrize("on", [False, True])
def test_langsmith_hears_of_nothing_unless_it_is_told_to(start, provider, collector, on, monkeypatch):
    environment = {"LANGSMITH_ENDPOINT": collector.url, "LANGSMITH_API_KEY": "planted"}
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.delenv(name, raising=False)
    environment |= {"LANGSMITH_TRACING": "true"} if on else {}
    app = start("reference_app", "--provider-url", provider.url, "--features", "none", **environment)
    assert httpx.post(app.url + "/chat", json={"question": "n=2"}).status_code == 200
    if on:
        until(lambda: collector.paths, within_s=10)
    assert app.stop() == 0 and bool(collector.paths) is on
