"""The stage that no one deploys, with everything that is off by default."""

from __future__ import annotations

from dataclasses import replace

from infra.settings import STAGES, FirewallRules

EVERYTHING_ON = replace(
    STAGES["prod"],
    name="full",
    alarm_email="on-call@example.com",
    reserved_concurrency=50,
    firewall=FirewallRules(requests_by_address=2_000, requests_by_token=300, common_rules=True),
    api_keys=("ios", "android2"),
)
