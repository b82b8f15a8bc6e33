"""Fakes of the code's collaborators: a clock, a cache, Apple Music, a source of tokens."""
