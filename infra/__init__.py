"""What is deployed: the service's stack, the account's stack, and the parts they are made of."""
