"""What every implementation of one role must do, run on each of them."""
