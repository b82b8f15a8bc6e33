"""Lambda bundles: made with pip, reduced and compiled, without Docker."""
