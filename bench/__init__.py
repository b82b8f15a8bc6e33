"""Benchmarks the deployed bundle against other implementations of the same job: `make bench`."""
