"""What makes `make run` a service to develop against: its facts, its reset, and a readable log."""
