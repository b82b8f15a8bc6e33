"""Parts of `make run` for app developers: service data, a reset, and a readable log."""
