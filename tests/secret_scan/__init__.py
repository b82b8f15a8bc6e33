"""Scans everything that a test run writes for secrets."""
