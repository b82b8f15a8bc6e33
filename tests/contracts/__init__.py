"""Suites that every implementation of a role must pass."""
