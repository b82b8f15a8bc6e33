"""Tables of faults and responses: tests run them, docs/reliability.md is generated from them."""
