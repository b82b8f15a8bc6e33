"""Parts of `make run` for app developers: service facts, a reset, and a readable log."""
