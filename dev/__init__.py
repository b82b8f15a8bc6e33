"""Everything that runs only on a developer's machine."""
