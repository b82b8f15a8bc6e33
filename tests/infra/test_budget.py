from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.infra.resources import Resources

BUDGET = "AWS::Budgets::Budget"
TAG = {"Key": "budget", "Value": "service"}


def test_a_stage_has_no_budget_until_it_is_given_one(service: Resources) -> None:
    assert BUDGET not in service.types()


def test_a_budget_counts_by_the_month_what_bears_the_stages_tag(everything_on: Resources) -> None:
    budget = everything_on.properties(BUDGET)["Budget"]

    assert budget == {
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": 100, "Unit": "USD"},
        "CostFilters": {"TagKeyValue": ["user:budget$service"]},
    }


def test_what_costs_bears_the_budgets_tag(everything_on: Resources) -> None:
    for type_ in (
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGateway::Stage",
        "AWS::CloudWatch::Alarm",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::SecretsManager::Secret",
        "AWS::WAFv2::WebACL",
    ):
        for resource in everything_on.of_type(type_).values():
            assert TAG in resource["Properties"]["Tags"]
    table = everything_on.properties("AWS::DynamoDB::GlobalTable")
    assert [TAG in replica["Tags"] for replica in table["Replicas"]] == [True]


def test_the_stages_address_is_told_before_the_money_is_gone(everything_on: Resources) -> None:
    told = everything_on.properties(BUDGET)["NotificationsWithSubscribers"]

    assert [
        (each["Notification"]["NotificationType"], each["Notification"]["Threshold"])
        for each in told
    ] == [("ACTUAL", 80), ("FORECASTED", 100)]
    for each in told:
        assert each["Notification"]["ComparisonOperator"] == "GREATER_THAN"
        assert each["Notification"]["ThresholdType"] == "PERCENTAGE"
        assert each["Subscribers"] == [
            {"SubscriptionType": "EMAIL", "Address": "on-call@example.com"}
        ]
