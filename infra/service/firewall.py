"""The web ACL in front of a stage: rate limits per caller, and AWS's common rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_cdk import aws_apigateway as apigateway

    from infra.optional_features import FirewallRules

TOKEN_HEADER: Final = "Music-User-Token"  # noqa: S105 - a header's name
WINDOW_SECONDS: Final = 300

COUNTED_ONLY: Final = (
    # Blocks more than 2,048 bytes; a valid list of a hundred ids has up to 10,000.
    "SizeRestrictions_QUERYSTRING",
    # The API does not require a User-Agent, and not every HTTP client sends one.
    "NoUserAgent_HEADER",
    # Block .log or .ini, for example. Library ids contain a dot and any letters, and this service
    # serves no files.
    "RestrictedExtensions_URIPATH",
    "RestrictedExtensions_QUERYARGUMENTS",
)
"""Common rules that would block valid requests: counted, not enforced."""

SECRET_HEADERS: Final = (TOKEN_HEADER.lower(), "authorization", "x-api-key")
"""WAF replaces the values of these headers in all its records."""


class Firewall(Construct):
    """A regional web ACL that allows every request that no rule blocks.

    Blocked clients get the gateway's WAF_FILTERED response. No rule has a custom one, which would
    take precedence. Logging and sampling are off, because both record headers. Even if someone
    enables them in the console, the values of secret headers are replaced.
    """

    def __init__(
        self, scope: Construct, id_: str, *, stage: apigateway.Stage, rules: FirewallRules
    ) -> None:
        super().__init__(scope, id_)
        acl = wafv2.CfnWebACL(
            self,
            "Acl",
            description="Blocks floods from one caller and common attacks",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            rules=list(web_acl_rules(rules)),
            visibility_config=_visibility("Firewall"),
            data_protection_config=wafv2.CfnWebACL.DataProtectionConfigProperty(
                data_protections=[
                    wafv2.CfnWebACL.DataProtectProperty(
                        action="SUBSTITUTION",
                        field=wafv2.CfnWebACL.FieldToProtectProperty(
                            field_type="SINGLE_HEADER", field_keys=list(SECRET_HEADERS)
                        ),
                    )
                ]
            ),
        )
        wafv2.CfnWebACLAssociation(
            self, "Association", resource_arn=stage.stage_arn, web_acl_arn=acl.attr_arn
        )


def web_acl_rules(rules: FirewallRules) -> Iterator[wafv2.CfnWebACL.RuleProperty]:
    """Return the rules, the cheapest first."""
    if rules.requests_per_address is not None:
        yield _rate_rule(
            "RateByAddress", priority=0, limit=rules.requests_per_address, aggregate_key_type="IP"
        )
    if rules.requests_per_token is not None:
        # Requests without the header do not count: the function rejects them before any I/O.
        header = wafv2.CfnWebACL.RateLimitHeaderProperty(
            name=TOKEN_HEADER,
            text_transformations=[
                wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")
            ],
        )
        yield _rate_rule(
            "RateByToken",
            priority=1,
            limit=rules.requests_per_token,
            aggregate_key_type="CUSTOM_KEYS",
            custom_keys=[wafv2.CfnWebACL.RateBasedStatementCustomKeyProperty(header=header)],
        )
    if rules.common_rules:
        yield _common_rules(priority=2)


def _rate_rule(
    name: str,
    *,
    priority: int,
    limit: int,
    aggregate_key_type: str,
    custom_keys: list[wafv2.CfnWebACL.RateBasedStatementCustomKeyProperty] | None = None,
) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                limit=limit,
                evaluation_window_sec=WINDOW_SECONDS,
                aggregate_key_type=aggregate_key_type,
                custom_keys=custom_keys,
            )
        ),
        visibility_config=_visibility(name),
    )


def _common_rules(*, priority: int) -> wafv2.CfnWebACL.RuleProperty:
    count = wafv2.CfnWebACL.RuleActionProperty(count={})
    return wafv2.CfnWebACL.RuleProperty(
        name="CommonRules",
        priority=priority,
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name="AWSManagedRulesCommonRuleSet",
                rule_action_overrides=[
                    wafv2.CfnWebACL.RuleActionOverrideProperty(name=name, action_to_use=count)
                    for name in COUNTED_ONLY
                ],
            )
        ),
        visibility_config=_visibility("CommonRules"),
    )


def _visibility(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )
