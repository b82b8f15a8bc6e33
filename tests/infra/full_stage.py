"""A stage with all optional features that can be combined; it is never deployed."""

from __future__ import annotations

from dataclasses import replace

from infra.optional_features import CustomDomain, FirewallRules, LambdaAuthorizer, SignInTokens
from infra.stages import STAGES

AUTHORIZER_ARN = "arn:aws:lambda:us-east-1:123456789012:function:check-account"
CERTIFICATE_ARN = (
    "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-000000000000"
)
HOSTED_ZONE_ID = "Z0123456789MADEUP"
WEB_ORIGIN = "https://app.example.com"

FULL = replace(
    STAGES["prod"],
    name="full",
    alarm_email="on-call@example.com",
    runbook_url="https://wiki.example.com/run",
    domain=CustomDomain(
        name="ratings.example.com",
        certificate_arn=CERTIFICATE_ARN,
        hosted_zone_id=HOSTED_ZONE_ID,
    ),
    monthly_budget_usd=100,
    reserved_concurrency=50,
    provisioned_concurrency=5,
    authorizer=LambdaAuthorizer(function_arn=AUTHORIZER_ARN),
    firewall=FirewallRules(requests_per_address=2_000, requests_per_token=300, common_rules=True),
    api_keys=("ios", "android2"),
    allowed_origins=("https://app.example.com", "capacitor://localhost"),
    sign_in_tokens=SignInTokens(
        life_minutes=30,
        allowed_origins=(WEB_ORIGIN, "http://localhost:3000"),
        throttle_rate=3,
        throttle_burst=6,
    ),
)
