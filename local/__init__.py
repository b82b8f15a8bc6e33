"""The whole service on one machine: the real handler between an HTTP front and stand-ins."""
