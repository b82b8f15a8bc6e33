"""Alarms, dashboard, saved queries and budget of one stage."""
