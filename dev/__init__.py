"""Tools for developers and CI; none runs in AWS."""
