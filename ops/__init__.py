"""What an operator types: keys and tokens into place, a rotation now, a look at the result."""
