"""Two models, of Apple and of the cache's promises, and random requests to compare them with."""
