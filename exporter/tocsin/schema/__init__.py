"""Schemas as plain values: what they are, how two differ, and how bad that is. Knows no engine."""
