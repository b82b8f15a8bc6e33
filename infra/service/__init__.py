"""The parts of the service that handle requests: API, functions, cache table, secrets."""
