"""Renews the developer token before it expires, and says how long the one in use still lives."""
