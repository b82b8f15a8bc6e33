"""The web ACL before a stage: it refuses floods of one caller, and what is plainly an attack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_cdk import aws_apigateway as apigateway

    from infra.settings import FirewallRules

TOKEN_HEADER: Final = "Music-User-Token"  # noqa: S105 - a header's name
WINDOW_SECONDS: Final = 300

COMMON_RULE_SET: Final = "AWSManagedRulesCommonRuleSet"

COUNTED_ONLY: Final = (
    # Over 2,048 bytes; a hundred ids of the lengths that the contract allows are up to 8,500.
    "SizeRestrictions_QUERYSTRING",
    # The contract asks for no User-Agent, and not every HTTP client sends one.
    "NoUserAgent_HEADER",
    # What looks like .log or .ini; a library id is a dot with any letters after it, and no path
    # or query of this service ever leads to a file.
    "RestrictedExtensions_URIPATH",
    "RestrictedExtensions_QUERYARGUMENTS",
)
"""Rules of the common set that would refuse what the contract allows: counted, never enforced."""

SECRET_HEADERS: Final = (TOKEN_HEADER.lower(), "authorization", "x-api-key")
"""Never shown in what WAF keeps of a request; an old client may still send `Authorization`."""


class Firewall(Construct):
    """A regional web ACL that lets through whatever none of its rules refuses.

    What it refuses is answered by the gateway's own WAF_FILTERED response: no rule has a response
    of its own, which would go before that. Nothing is logged and no request is sampled, for either
    would keep headers; should someone switch it on in the console, the secret ones are replaced.
    """

    def __init__(
        self, scope: Construct, id_: str, *, stage: apigateway.Stage, rules: FirewallRules
    ) -> None:
        super().__init__(scope, id_)
        acl = wafv2.CfnWebACL(
            self,
            "Acl",
            description="Refuses floods of one caller, and plain attacks",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            rules=list(_rules(rules)),
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


def _rules(rules: FirewallRules) -> Iterator[wafv2.CfnWebACL.RuleProperty]:
    """Give the rules with the cheapest verdict first."""
    if rules.requests_by_address is not None:
        yield _rate_rule(
            "RateByAddress", priority=0, limit=rules.requests_by_address, aggregate_key_type="IP"
        )
    if rules.requests_by_token is not None:
        # A request without the header is not counted: the function refuses it before any I/O.
        header = wafv2.CfnWebACL.RateLimitHeaderProperty(
            name=TOKEN_HEADER,
            text_transformations=[
                wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")
            ],
        )
        yield _rate_rule(
            "RateByToken",
            priority=1,
            limit=rules.requests_by_token,
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
                name=COMMON_RULE_SET,
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
