from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.optional_features import FirewallRules
from infra.service.firewall import web_acl_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.infra.resources import Resources

ACL = "AWS::WAFv2::WebACL"


def _rules(resources: Resources) -> dict[str, dict[str, Any]]:
    return {rule["Name"]: rule for rule in resources.properties(ACL)["Rules"]}


def test_the_firewall_allows_by_default_and_is_attached_to_the_stage(full: Resources) -> None:
    acl_id, acl = full.only(ACL)
    association = full.properties("AWS::WAFv2::WebACLAssociation")

    assert (acl["Properties"]["Scope"], acl["Properties"]["DefaultAction"]) == (
        "REGIONAL",
        {"Allow": {}},
    )
    assert len({rule["Priority"] for rule in _rules(full).values()}) == 3
    assert association["WebACLArn"] == {"Fn::GetAtt": [acl_id, "Arn"]}
    assert association["ResourceArn"]["Fn::Join"][1][-4:] == [
        "::/restapis/",
        {"Ref": full.only("AWS::ApiGateway::RestApi")[0]},
        "/stages/",
        {"Ref": full.only("AWS::ApiGateway::Stage")[0]},
    ]


def test_requests_in_five_minutes_are_limited_per_address_and_per_token(full: Resources) -> None:
    rules = [_rules(full)[name] for name in ("RateByAddress", "RateByToken")]
    address, token = (rule["Statement"]["RateBasedStatement"] for rule in rules)

    # Without a custom response, which would replace the gateway's error in Apple's shape.
    assert [rule["Action"] for rule in rules] == [{"Block": {}}] * 2
    assert address == {"Limit": 2_000, "EvaluationWindowSec": 300, "AggregateKeyType": "IP"}
    header = {
        "Name": "Music-User-Token",
        "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
    }
    assert token == {
        "Limit": 300,
        "EvaluationWindowSec": 300,
        "AggregateKeyType": "CUSTOM_KEYS",
        "CustomKeys": [{"Header": header}],
    }


def test_prod_limits_an_address_to_3000_requests_in_5_minutes(
    services: Mapping[str, Resources],
) -> None:
    (rule,) = services["prod"].properties(ACL)["Rules"]

    assert rule["Statement"]["RateBasedStatement"] == {
        "Limit": 3_000,
        "EvaluationWindowSec": 300,
        "AggregateKeyType": "IP",
    }


def test_common_rules_that_would_block_valid_requests_are_in_count_mode(full: Resources) -> None:
    rule = _rules(full)["CommonRules"]
    group = rule["Statement"]["ManagedRuleGroupStatement"]

    assert rule["OverrideAction"] == {"None": {}}
    assert (group["VendorName"], group["Name"]) == ("AWS", "AWSManagedRulesCommonRuleSet")
    assert group["RuleActionOverrides"] == [
        {"Name": name, "ActionToUse": {"Count": {}}}
        for name in (
            "SizeRestrictions_QUERYSTRING",
            "NoUserAgent_HEADER",
            "RestrictedExtensions_URIPATH",
            "RestrictedExtensions_QUERYARGUMENTS",
        )
    ]


def test_no_request_is_sampled_or_logged_and_secret_headers_are_protected(
    full: Resources,
) -> None:
    acl = full.properties(ACL)
    visibility = [each["VisibilityConfig"] for each in (acl, *acl["Rules"])]

    assert [each["SampledRequestsEnabled"] for each in visibility] == [False] * 4
    assert len({each["MetricName"] for each in visibility if each["CloudWatchMetricsEnabled"]}) == 4
    assert "AWS::WAFv2::LoggingConfiguration" not in full.types()
    (protection,) = acl["DataProtectionConfig"]["DataProtections"]
    assert protection["Action"] == "SUBSTITUTION"
    assert protection["Field"] == {
        "FieldType": "SINGLE_HEADER",
        "FieldKeys": ["music-user-token", "authorization", "x-api-key"],
    }


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (FirewallRules(requests_per_address=100), ["RateByAddress"]),
        (FirewallRules(requests_per_token=100), ["RateByToken"]),
        (FirewallRules(common_rules=True), ["CommonRules"]),
    ],
)
def test_each_rule_can_be_used_without_the_others(
    rules: FirewallRules, expected: list[str]
) -> None:
    assert [rule.name for rule in web_acl_rules(rules)] == expected
