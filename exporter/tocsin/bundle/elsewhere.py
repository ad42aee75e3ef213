"""Series that panels and rules use and no collector declares: Prometheus makes them, or prometheus-client, or they are older names."""

from __future__ import annotations

from tocsin.metric import Metric, counter, gauge
from tocsin.sources.postgres.compat import OLDER

UP = gauge("up", "Whether Prometheus' last scrape of the exporter succeeded.", ("job", "instance"))
ALERTS = gauge("ALERTS", "One series for each alert that is pending or firing now.", ("alertname", "alertstate", "severity"), "info")
SCRAPE_DURATION = gauge("scrape_duration_seconds", "How long Prometheus' last scrape of the exporter took.")
PROCESS_MEMORY = gauge("process_resident_memory_bytes", "Resident memory of the exporter's process.")
PROCESS_CPU = counter("process_cpu_seconds_total", "Processor time that the exporter's process has used, user and system.")

ELSEWHERE: tuple[Metric, ...] = (UP, ALERTS, SCRAPE_DURATION, PROCESS_MEMORY, PROCESS_CPU, *OLDER.values())
