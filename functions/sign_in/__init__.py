"""Signs short-lived developer tokens, with which apps ask MusicKit for their user's token."""
