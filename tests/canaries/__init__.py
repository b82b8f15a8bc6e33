"""A watch over everything that a test run writes, for secrets in it."""
