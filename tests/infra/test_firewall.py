from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.gateway_errors import GATEWAY_ERRORS
from infra.settings import STAGES, FirewallRules
from infra.stack import RatingsStack
from tests.infra.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

ACL = "AWS::WAFv2::WebACL"
ASSOCIATION = "AWS::WAFv2::WebACLAssociation"


def _rules(resources: Resources) -> dict[str, dict[str, Any]]:
    return {rule["Name"]: rule for rule in resources.properties(ACL)["Rules"]}


def _visibilities(value: Any) -> list[dict[str, Any]]:
    """Every visibility configuration, however deep."""
    if isinstance(value, list):
        return [found for each in value for found in _visibilities(each)]
    if not isinstance(value, dict):
        return []
    own = [value["VisibilityConfig"]] if "VisibilityConfig" in value else []
    return own + _visibilities(list(value.values()))


def test_a_stage_has_no_firewall_until_it_is_told_to(service: Resources) -> None:
    assert not any(type_.startswith("AWS::WAFv2") for type_ in service.types())


def test_the_firewall_is_regional_and_lets_through_what_no_rule_refuses(
    everything_on: Resources,
) -> None:
    acl = everything_on.properties(ACL)

    assert acl["Scope"] == "REGIONAL"
    assert acl["DefaultAction"] == {"Allow": {}}
    assert "Name" not in acl


def test_the_firewall_stands_before_the_apis_stage(everything_on: Resources) -> None:
    association = everything_on.properties(ASSOCIATION)

    assert association["WebACLArn"] == {
        "Fn::GetAtt": [everything_on.only(ACL)[0], "Arn"],
    }
    separator, parts = association["ResourceArn"]["Fn::Join"]
    assert separator == ""
    assert parts[-4:] == [
        "::/restapis/",
        {"Ref": everything_on.only("AWS::ApiGateway::RestApi")[0]},
        "/stages/",
        {"Ref": everything_on.only("AWS::ApiGateway::Stage")[0]},
    ]


def test_one_address_may_ask_so_often_in_five_minutes(everything_on: Resources) -> None:
    rule = _rules(everything_on)["RateByAddress"]

    assert rule["Action"] == {"Block": {}}
    assert rule["Statement"] == {
        "RateBasedStatement": {
            "Limit": 2_000,
            "EvaluationWindowSec": 300,
            "AggregateKeyType": "IP",
        }
    }


def test_one_users_token_may_ask_so_often_in_five_minutes(everything_on: Resources) -> None:
    rule = _rules(everything_on)["RateByToken"]

    assert rule["Action"] == {"Block": {}}
    assert rule["Statement"] == {
        "RateBasedStatement": {
            "Limit": 300,
            "EvaluationWindowSec": 300,
            "AggregateKeyType": "CUSTOM_KEYS",
            "CustomKeys": [
                {
                    "Header": {
                        "Name": "Music-User-Token",
                        "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
                    }
                }
            ],
        }
    }


def test_aws_common_rules_are_enforced_but_for_those_that_the_contract_runs_into(
    everything_on: Resources,
) -> None:
    rule = _rules(everything_on)["CommonRules"]
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


def test_no_two_rules_have_one_priority(everything_on: Resources) -> None:
    priorities = [rule["Priority"] for rule in everything_on.properties(ACL)["Rules"]]

    assert priorities == [0, 1, 2]


def test_no_request_is_sampled_or_logged_and_every_rule_is_counted(
    everything_on: Resources,
) -> None:
    visibilities = _visibilities(everything_on.properties(ACL))

    assert [each["SampledRequestsEnabled"] for each in visibilities] == [False] * 4
    assert [each["CloudWatchMetricsEnabled"] for each in visibilities] == [True] * 4
    assert {each["MetricName"] for each in visibilities} == {
        "RateByAddress",
        "RateByToken",
        "CommonRules",
        "Firewall",
    }
    assert "AWS::WAFv2::LoggingConfiguration" not in everything_on.types()


def test_a_secret_header_stays_hidden_should_someone_switch_sampling_on(
    everything_on: Resources,
) -> None:
    protection = everything_on.properties(ACL)["DataProtectionConfig"]

    assert protection == {
        "DataProtections": [
            {
                "Action": "SUBSTITUTION",
                "Field": {
                    "FieldType": "SINGLE_HEADER",
                    "FieldKeys": ["music-user-token", "authorization", "x-api-key"],
                },
            }
        ]
    }


def test_a_refusal_is_the_gateways_own_response(everything_on: Resources) -> None:
    # A response of a rule's own would go before the gateway's, which is in Apple's shape.
    assert "CustomResponse" not in json.dumps(everything_on.properties(ACL))
    assert (GATEWAY_ERRORS["WAF_FILTERED"].status, GATEWAY_ERRORS["WAF_FILTERED"].code) == (
        403,
        "40390",
    )


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (FirewallRules(requests_by_address=100), {"RateByAddress"}),
        (FirewallRules(requests_by_token=100), {"RateByToken"}),
        (FirewallRules(common_rules=True), {"CommonRules"}),
    ],
    ids=["address", "token", "common"],
)
def test_each_rule_stands_by_itself(
    cdk_context: Mapping[str, Any], rules: FirewallRules, expected: set[str]
) -> None:
    settings = replace(STAGES["dev"], firewall=rules)
    stack = RatingsStack(App(context=cdk_context), "service", settings=settings)

    found = _rules(Resources(Template.from_stack(stack).to_json()))

    assert set(found) == expected
