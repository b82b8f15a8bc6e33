"""`make run`: the service on this machine, with the stand-in for Apple Music and AWS by moto."""
