"""The response cache in DynamoDB."""
