"""Apple Music, the upstream."""
