"""``GET /metrics``: the figures of the process in Prometheus' text format.

Everything is read when it is asked for; nothing here is updated call by call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from gateway.bus import EventBus
from gateway.readiness import Readiness
from gateway.telemetry import FRAME_S, Histogram, Telemetry


def routes(
    telemetry: Telemetry, *, readiness: Callable[[], Readiness], bus: EventBus
) -> Sequence[web.RouteDef]:
    """The one route."""
    registry = CollectorRegistry()
    registry.register(_Figures(telemetry, readiness, bus))

    async def metrics(request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(registry),
            headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"},
        )

    return [web.get("/metrics", metrics)]


class _Figures(Collector):
    def __init__(
        self, telemetry: Telemetry, readiness: Callable[[], Readiness], bus: EventBus
    ) -> None:
        self._telemetry, self._readiness, self._bus = telemetry, readiness, bus

    def collect(self) -> Iterable[Metric]:
        told, now = self._telemetry, self._readiness()
        yield GaugeMetricFamily("parley_ready", "1 if a call would be taken", value=not now.why)
        yield GaugeMetricFamily("parley_calls_live", "Calls that are up", value=now.calls)
        yield GaugeMetricFamily("parley_seats_free", "Seats no call will take", value=now.free)
        taken = CounterMetricFamily("parley_calls", "Calls taken", labels=["leg"])
        for leg, count in told.taken.items():
            taken.add_metric([leg], count)
        ended = CounterMetricFamily("parley_calls_ended", "Calls over", labels=["fault", "reason"])
        for (fault, reason), count in told.ended.items():
            ended.add_metric([fault, reason], count)
        refused = CounterMetricFamily("parley_offers_refused", "Calls refused", labels=["reason"])
        for reason, count in told.refused.items():
            refused.add_metric([reason], count)
        yield from (taken, ended, refused)
        yield _histogram(
            "parley_response_gap", "End of a caller's speech to the bot's first sound", told.gaps
        )
        yield _histogram(
            "parley_stop_latency", "Begin of a caller's speech to the bot's last sound", told.stops
        )
        yield _histogram("parley_step", "Steps of the engine, where they are timed", told.steps)
        yield _histogram(
            "parley_answer", "From a frame at the engine to its answer, where timed", told.waits
        )
        yield CounterMetricFamily(
            "parley_frames_late",
            "Answers that took more than 80 ms",
            value=told.waits.above(FRAME_S),
        )
        yield CounterMetricFamily(
            "parley_events_dropped", "Events lost to slow listeners", value=self._bus.dropped
        )


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    ends = [*map(str, histogram.edges), "+Inf"]
    return HistogramMetricFamily(
        f"{name}_seconds",
        text,
        buckets=list(zip(ends, histogram.cumulative, strict=True)),
        sum_value=histogram.sum_s,
    )
