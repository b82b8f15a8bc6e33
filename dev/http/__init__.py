"""HTTP as the stand-in for Apple Music and the gateway simulator speak it."""
