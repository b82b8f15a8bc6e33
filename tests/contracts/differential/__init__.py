"""Sends random requests, and compares the function with models of Apple and of the cache."""
