"""The ratings function: serves ratings from the response cache or from Apple Music."""
