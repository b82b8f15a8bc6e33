"""Weighs the ways to DynamoDB by one round trip each: `python -m bench.dynamodb_clients`."""
