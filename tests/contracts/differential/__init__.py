"""Models of Apple and of the cache's promises, which random requests compare with the function."""
