"""The HTTP server of the stand-in for Apple Music and of the gateway simulator."""
