"""Answers a mobile app's ratings requests from the response cache or from Apple Music."""
