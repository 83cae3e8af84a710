"""OpenTelemetry, imported only where APP_OTEL_ENDPOINT is set: a span a request and a span a call to the provider."""

import asyncio

import httpx
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import AsyncOpenTelemetryTransport
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from reference_app.middleware import UNTOLD
from reference_app.trace import Trace, trace_of

FLUSH_MS = 2000
EXPORT_S = 2


class Tracing:
    """Spans are gathered and sent by a thread of their own; a collector that is away costs spans, and no request."""

    def __init__(self, endpoint: str) -> None:
        self.provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "reference_app"}), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces", timeout=EXPORT_S)
        self.provider.add_span_processor(BatchSpanProcessor(exporter))

    def carried(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        """The transport with a span a call, which puts its own `traceparent` in the place of the request's."""
        carrier: httpx.AsyncBaseTransport = AsyncOpenTelemetryTransport(transport, tracer_provider=self.provider)
        return carrier

    def instrument(self, app: FastAPI) -> None:
        # A span for every send would be one a token: measured 106 spans and ten times the CPU for a stream of 100.
        FastAPIInstrumentor.instrument_app(
            app, tracer_provider=self.provider, exclude_spans=["send", "receive"], excluded_urls=",".join(UNTOLD)
        )

    @staticmethod
    def trace_of(given: bytes) -> Trace:
        """The span that OpenTelemetry has made of this request."""
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return trace_of(given)
        return Trace(f"{context.trace_id:032x}", f"{context.span_id:016x}", f"{int(context.trace_flags) & 1:02x}")

    async def aclose(self) -> None:
        """What is gathered is sent, within limits; the app is over, so that a thread is in nobody's way."""
        await asyncio.to_thread(self.provider.force_flush, FLUSH_MS)
        await asyncio.to_thread(self.provider.shutdown)
