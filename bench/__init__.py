"""Measures the deployed bundle beside what others would build for the same job: `make bench`."""
