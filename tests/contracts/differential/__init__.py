"""Random requests compare the function with models of Apple and of the cache's promises."""
