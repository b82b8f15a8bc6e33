"""One package for each Lambda function, and the code that they share."""
