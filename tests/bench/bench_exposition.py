"""What a page costs: beside prometheus_client in the same run, and against the budgets of the design."""

from __future__ import annotations

import gc
import gzip
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector as ClientCollector

from servers import get
from tocsin import exposition
from tocsin.config import Config, Server
from tocsin.metric import Labels, Metric, Value, gauge
from tocsin.service import Service

LABELS = ("datname", "schemaname", "relname", "kind")


def points(series: int, families: int = 20) -> dict[Metric, dict[Labels, Value]]:
    rows = series // families
    labels = [("shop", "public", f"table_{i:05d}", "r") for i in range(rows)]
    return {
        gauge(f"bench_metric_{f}_bytes", "A family of the bench.", LABELS): {row: b"%d" % (i * 7919 + f) for i, row in enumerate(labels)}
        for f in range(families)
    }


class Custom(ClientCollector):
    """The same samples as prometheus_client is meant to be given them."""

    def __init__(self, samples: dict[Metric, dict[Labels, Value]]) -> None:
        self.samples = samples

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for metric, values in self.samples.items():
            family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            for labels, value in values.items():
                family.add_metric(labels, float(value))
            yield family


def best(action: Callable[[], object], rounds: int = 5) -> float:
    """Return the shortest of some times, in seconds: noise only ever adds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return min(times)


def test_rendering_beside_prometheus_client() -> None:
    samples = points(50_000)
    registry = CollectorRegistry()
    registry.register(Custom(samples))
    theirs = best(lambda: generate_latest(registry), 3)
    ours = best(lambda: exposition.page([exposition.render(samples)]))
    rendered = exposition.render(samples)
    again = best(lambda: exposition.page([rendered]), 20)
    assert exposition.page([rendered]).count(b"\nbench_metric_") == 50_000
    print(f"\n50,000 samples: prometheus_client {theirs * 1e3:.0f} ms, ours {ours * 1e3:.0f} ms: {theirs / ours:.0f} times faster (5)")
    print(f"unchanged page: ours {again * 1e3:.2f} ms: {theirs / again:.0f} times faster (floor 50)")
    assert theirs / ours >= 5
    assert theirs / again >= 50


def test_hundred_thousand_series_in_one_scrape(tmp_path: Path) -> None:
    with Service(Config(state_dir=tmp_path, server=Server(listen="127.0.0.1:0"))) as service:
        samples = points(100_000)
        gc.collect()
        tracemalloc.start()
        held = exposition.render(samples)
        bytes_held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        service.app._parts = lambda _target: [held]  # type: ignore[method-assign, assignment] -- only the scrape is measured here
        service.scheduler.targets = lambda: [None]  # type: ignore[method-assign, list-item, return-value]
        service.scheduler.scrape = lambda *_: None  # type: ignore[method-assign]
        plain = best(lambda: get(f"{service.url}/metrics"), 5)
        zipped = best(lambda: get_gzip(f"{service.url}/metrics"), 5)
    render = best(lambda: exposition.render(samples), 3)
    print(f"\n100,000 series: render {render * 1e3:.0f} ms, scrape {plain * 1e3:.0f} ms, with gzip {zipped * 1e3:.0f} ms")
    print(f"render and scrape {(render + zipped) * 1e3:.0f} ms (budget 250 ms); held {bytes_held / 2**20:.1f} MiB (budget 25)")
    assert bytes_held < 25 * 2**20
    assert render + zipped < 0.25


def get_gzip(url: str) -> bytes:
    import urllib.request

    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})) as answer:
        body: bytes = answer.read()
    assert body[:2] == b"\x1f\x8b"
    assert gzip  # decompressing is Prometheus' cost, not ours
    return body
