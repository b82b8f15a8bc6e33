"""Code that both functions use."""
