"""/metrics for Prometheus: what became of requests and attempts, named as OpenTelemetry and vLLM name it.

Everything is observed once an attempt or a request, when it is over: nothing here runs per token. With several workers each
writes into PROMETHEUS_MULTIPROC_DIR, and whichever is asked answers for all.
"""

import asyncio
import os
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from reference_app.call import Account, Attempt
from reference_app.meters import STATE, counters_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference_app.usage import Usage

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
FIRST_TOKEN_S = (0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80)
TOKEN_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5)
WHOLE_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144)
COPY_S = 1.0
"""How old the features' numbers may be that one worker tells of another."""


class Metrics:
    """The numbers of one app. Its features count for themselves, and are read when somebody asks."""

    def __init__(self, features: "Mapping[str, object]") -> None:
        self.registry = registry = CollectorRegistry()
        self.features = features
        self.requests = Counter(
            "app_requests", "Requests of users.", ("route", "status", "outcome", "served_by"), registry=registry
        )
        self.duration = Histogram(
            "app_request_duration_seconds", "Until the last byte.", ("route",), buckets=WHOLE_S, registry=registry
        )
        self.first = Histogram(
            "app_time_to_first_token_seconds", "As the user waits for it.", ("route",), buckets=FIRST_TOKEN_S, registry=registry
        )
        self.in_flight = Gauge("app_requests_in_flight", "Up to the last byte.", multiprocess_mode="livesum", registry=registry)
        self.degraded = Counter("app_degraded", "Answers of lesser quality than was asked for.", registry=registry)
        self.wasted = Counter("app_wasted_output_tokens", "Generated, and in no answer.", registry=registry)
        self.cost = Counter("app_cost", "Of all attempts, where prices are known.", ("currency",), registry=registry)
        self.attempts = Counter(
            "app_attempts", "Calls to the provider.", ("model", "reason", "outcome", "status"), registry=registry
        )
        self.operation = Histogram(
            "gen_ai_client_operation_duration_seconds", "One call to the provider.", ("gen_ai_request_model",),
            buckets=WHOLE_S, registry=registry,
        )  # fmt: skip
        self.provider_first = Histogram(
            "gen_ai_server_time_to_first_token_seconds", "Of one call to the provider.", ("gen_ai_request_model",),
            buckets=FIRST_TOKEN_S, registry=registry,
        )  # fmt: skip
        self.token = Histogram(
            "gen_ai_server_time_per_output_token_seconds", "Mean gap between the tokens of one call, after the first.",
            ("gen_ai_request_model",), buckets=TOKEN_S, registry=registry,
        )  # fmt: skip
        self.tokens = Histogram(
            "gen_ai_client_token_usage", "Tokens of one request, over all its calls.", ("gen_ai_token_type",),
            buckets=TOKENS, registry=registry,
        )  # fmt: skip
        self._copies: dict[tuple[str, str], Counter | Gauge] = {}
        self._told: dict[tuple[str, str], float] = {}
        self._due = False
        self.copy()

    def begin(self) -> None:
        self.in_flight.inc()

    def end(self, route: str, status: int, outcome: str, account: Account, usage: "Usage", now_s: float) -> None:
        """A request is over, and so are all its attempts."""
        self.in_flight.dec()
        served_by = account.served_by if account.answered else ""
        self.requests.labels(route, str(status), outcome, served_by).inc()
        self.duration.labels(route).observe(now_s - account.started_s)
        if account.first_token_s is not None:
            self.first.labels(route).observe(account.first_token_s - account.started_s)
        if account.degraded:
            self.degraded.inc()
        for attempt in account.attempts:
            self._attempted(attempt)
        if account.attempts:
            self._spent(usage)
        self._copy_soon()

    def _attempted(self, attempt: Attempt) -> None:
        model = attempt.model
        self.attempts.labels(model, attempt.reason, attempt.outcome, str(attempt.status)).inc()
        self.operation.labels(model).observe(max(0.0, attempt.finished_s - attempt.started_s))
        if attempt.first_token_s is not None:
            self.provider_first.labels(model).observe(attempt.first_token_s - attempt.started_s)
            if attempt.chunks > 1:
                self.token.labels(model).observe((attempt.finished_s - attempt.first_token_s) / (attempt.chunks - 1))

    def _spent(self, usage: "Usage") -> None:
        self.tokens.labels("input").observe(usage.input_tokens)
        self.tokens.labels("output").observe(usage.output_tokens)
        self.wasted.inc(usage.wasted_output_tokens)
        cost, currency = getattr(usage, "cost", None), getattr(usage, "currency", None)
        if cost is not None:
            self.cost.labels(currency or "").inc(float(cost))

    def _copy_soon(self) -> None:
        """Another worker may be the one that is asked."""
        if FOLDER in os.environ and not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(COPY_S, self.copy)

    def copy(self) -> None:
        """The features' own numbers, by how much they have grown since."""
        self._due = False
        for (feature, name), value in counters_of(self.features).items():
            metric = self._copies.get((feature, name)) or self._make(feature, name)
            if isinstance(metric, Gauge):
                metric.set(value)
            elif grown := value - self._told.get((feature, name), 0.0):
                metric.inc(max(0.0, grown))
                self._told[feature, name] = value

    def _make(self, feature: str, name: str) -> Counter | Gauge:
        told = f"app_{feature}_{name.removesuffix(STATE)}"
        made = (
            Gauge(told, f"As {feature} counts it.", multiprocess_mode="livesum", registry=self.registry)
            if name.endswith(STATE)
            else Counter(told, f"As {feature} counts it.", registry=self.registry)
        )
        self._copies[feature, name] = made
        return made

    def text(self) -> tuple[bytes, str]:
        """What Prometheus reads, and its media type."""
        self.copy()
        registry = self.registry
        if FOLDER in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
