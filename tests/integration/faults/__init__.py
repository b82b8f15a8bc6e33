"""The response to each fault: tables that are run and from which docs/reliability.md is written."""
