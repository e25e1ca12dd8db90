"""HTTP requests counted and timed by the template of their route, never by the address that was asked."""

import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
UNMATCHED: Final = "unmatched"

disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus-client types all but this


class HttpFigures:
    """The requests of one application, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "optria_http_requests",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "optria_http_request_duration_seconds",
            "From the first byte of a request to the last of its answer.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._running = Gauge(
            "optria_http_requests_in_progress", "Requests being answered.", registry=self.registry
        )

    def begun(self) -> None:
        self._running.inc()

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNMATCHED) if status != 405 else UNMATCHED
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._running.dec()
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


class Metered:
    """Counts every request in ``figures``, also those that end in an error of ours."""

    def __init__(self, app: ASGIApp, figures: HttpFigures) -> None:
        self.app, self.figures = app, figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, begun = 500, time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self.figures.begun()
        try:
            await self.app(scope, receive, noted)
        finally:
            self.figures.answered(scope, status, time.perf_counter() - begun)
