"""``/metrics`` in the format that Prometheus reads."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.bus import EventBus
from gateway.http import metrics
from gateway.readiness import Readiness
from gateway.telemetry import Telemetry
from media.timeline import Entry
from tests.gateway.http.sites import client

pytestmark = pytest.mark.live


async def test_figures() -> None:
    told, now = Telemetry(), Readiness(listening=True, warm=True, free=3, calls=2)
    told.fact(Entry(0, "offer", {"leg": "webrtc"}))
    told.fact(Entry(0, "outcome", {"fault": "bot", "reason": "engine-lost"}))
    told.refuse("full")
    told.over(gaps=[4_800], steps_ms=[12.5], waits_ms=[12.5, 99.0])
    routes = metrics.routes(told, readiness=lambda: now, bus=EventBus())
    async with client(routes) as here, here.get("/metrics") as got:
        assert got.headers["Content-Type"].startswith("text/plain")
        text = await got.text()
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    expected = {
        ("parley_ready",): 1,
        ("parley_calls_live",): 2,
        ("parley_seats_free",): 3,
        ("parley_calls_total", "webrtc"): 1,
        ("parley_calls_ended_total", "bot", "engine-lost"): 1,
        ("parley_offers_refused_total", "full"): 1,
        ("parley_events_dropped_total",): 0,
        ("parley_response_gap_seconds_sum",): 0.3,
        ("parley_response_gap_seconds_count",): 1,
        ("parley_response_gap_seconds_bucket", "0.2"): 0,
        ("parley_response_gap_seconds_bucket", "0.3"): 1,
        ("parley_stop_latency_seconds_count",): 0,
        ("parley_step_seconds_bucket", "0.01"): 0,
        ("parley_step_seconds_bucket", "0.02"): 1,
        ("parley_step_seconds_bucket", "+Inf"): 1,
        ("parley_answer_seconds_count",): 2,
        ("parley_frames_late_total",): 1,
    }
    assert {key: found.get(key) for key in expected} == expected
