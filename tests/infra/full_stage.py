"""A stage with every optional feature; nobody deploys it."""

from __future__ import annotations

from dataclasses import replace

from infra.stages import STAGES, CustomDomain, FirewallRules

FULL = replace(
    STAGES["prod"],
    name="full",
    alarm_email="on-call@example.com",
    runbook_url="https://wiki.example.com/run",
    domain=CustomDomain(
        name="ratings.example.com",
        certificate_arn="arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-000000000000",
    ),
    monthly_budget_usd=100,
    reserved_concurrency=50,
    firewall=FirewallRules(requests_per_address=2_000, requests_per_token=300, common_rules=True),
    api_keys=("ios", "android2"),
)
