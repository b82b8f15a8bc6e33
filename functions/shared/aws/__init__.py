"""AWS JSON services, called without a botocore client."""
