"""The Lambda functions of the service, one package for each."""
