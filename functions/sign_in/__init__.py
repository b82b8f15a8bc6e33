"""Signs short-lived developer tokens, with which apps request their user's token from MusicKit."""
