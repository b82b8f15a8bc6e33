"""Stand-ins for what the code is given: a clock, a cache, Apple Music, a source of tokens."""
