"""Renews the developer token before it expires, and reports daily how long it is valid."""
