"""The operator's commands: put keys and tokens, rotate, show the token, test a service."""
