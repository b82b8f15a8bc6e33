"""Simulates a fleet of environments of the ratings function while Apple or AWS fails."""
