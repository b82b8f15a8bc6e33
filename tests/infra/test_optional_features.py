from __future__ import annotations

from typing import Any

import pytest

from infra.optional_features import (
    CognitoAuthorizer,
    CustomDomain,
    FirewallRules,
    LambdaAuthorizer,
    SignInTokens,
)

CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-000000000000"
POOL = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Ab12Cd34E"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:check"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({}, "a firewall needs at least one rule"),
        ({"requests_per_address": 9}, "at least 10 requests in five minutes, not 9"),
        # Only the 0 is rejected: 10 is the smallest valid number.
        ({"requests_per_address": 10, "requests_per_token": 0}, "at least 10 .*, not 0"),
    ],
)
def test_firewall_rules_that_aws_waf_does_not_accept_are_rejected(
    rules: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        FirewallRules(**rules)


@pytest.mark.parametrize(
    ("name", "certificate", "zone", "message"),
    [
        ("Ratings.example.com", CERTIFICATE, None, "not a domain name"),
        ("https://ratings.example.com", CERTIFICATE, None, "not a domain name"),
        ("ratings.example.com/v1", CERTIFICATE, None, "not a domain name"),
        ("localhost", CERTIFICATE, None, "not a domain name"),
        ("a.example", "arn:aws:iam::123456789012:server-certificate/a", None, "of a certificate"),
        ("a.example", CERTIFICATE, "example.com", "not the id of a hosted zone"),
        ("a.example", None, None, "needs a certificate_arn, or the hosted_zone_id"),
    ],
)
def test_a_malformed_or_incomplete_domain_is_rejected(
    name: str, certificate: str | None, zone: str | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        CustomDomain(name=name, certificate_arn=certificate, hosted_zone_id=zone)


@pytest.mark.parametrize(
    "arn", ["check", POOL, f"{FUNCTION}:live:1", FUNCTION.replace("aws", "cn")]
)
def test_a_malformed_arn_of_an_authorizers_function_is_rejected(arn: str) -> None:
    with pytest.raises(ValueError, match="not the ARN of a Lambda function"):
        LambdaAuthorizer(function_arn=arn)


@pytest.mark.parametrize(
    ("arn", "scopes", "message"),
    [
        (FUNCTION, (), "not the ARN of a Cognito user pool"),
        ("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A", (), "not the ARN"),
        (POOL, ("openid",), "not a custom scope, RESOURCE_SERVER/SCOPE: 'openid'"),
    ],
)
def test_a_malformed_user_pool_or_scope_is_rejected(
    arn: str, scopes: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        CognitoAuthorizer(user_pool_arn=arn, scopes=scopes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"life_minutes": 4}, "5 to 60 minutes, not 4"),
        ({"life_minutes": 61}, "5 to 60 minutes, not 61"),
        ({"throttle_rate": 0}, "at least one request"),
        ({"throttle_burst": 0}, "at least one request"),
        ({"allowed_origins": ("*",)}, "must list its origins"),
        *(
            ({"allowed_origins": ("https://a.example", origin)}, "not an origin|without its port")
            for origin in (
                *(
                    "*",
                    "null",
                    "",
                    "a.example",
                    "https://",
                    "https://a.example/",
                    "http://a.example",
                ),
                *("https://A.example", "https://a.example,https://b.example", "https://*.example"),
                *("file:///", "http://localhost.example", "https://a.example:443"),
            )
        ),
    ],
)
def test_sign_in_tokens_that_cannot_work_are_rejected(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SignInTokens(**settings)


def test_valid_origins_and_the_limits_of_the_life_are_accepted() -> None:
    origins = (
        "https://a.example:8443",
        "http://localhost:3000",
        "http://127.0.0.1",
        "ionic://localhost",
    )

    assert SignInTokens(life_minutes=5, allowed_origins=origins).allowed_origins == origins
    assert SignInTokens(life_minutes=60).life_minutes == 60


def test_arns_of_govcloud_are_accepted() -> None:
    of_govcloud = [arn.replace("arn:aws:", "arn:aws-us-gov:") for arn in (CERTIFICATE, FUNCTION)]

    CustomDomain(name="a.example", certificate_arn=of_govcloud[0])
    LambdaAuthorizer(function_arn=of_govcloud[1])
