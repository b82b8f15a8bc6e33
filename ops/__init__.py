"""The operator's commands: put keys and tokens, rotate, show the expiry, test a service."""
