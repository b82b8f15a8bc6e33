"""Code that both functions need; it knows neither of them."""
