"""Test suites that several implementations of one interface must pass."""
