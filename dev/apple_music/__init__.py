"""A stand-in for Apple Music: it needs no Apple account and keeps its ratings in memory."""
