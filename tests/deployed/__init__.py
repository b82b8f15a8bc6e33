"""A deployment from creation to deletion, against an emulator of AWS; only `make e2e` runs it."""
