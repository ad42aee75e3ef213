"""Tocsin: a Prometheus exporter that rings before your users do."""

__version__ = "0.1.0"
