"""The HTTP API: gateway events, routes and validation."""
