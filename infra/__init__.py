"""The stacks of the project: one for each stage of the service, one for the AWS account."""
