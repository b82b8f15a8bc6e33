"""`make run`: the service on this machine, with stand-ins for Apple Music and AWS (moto)."""
