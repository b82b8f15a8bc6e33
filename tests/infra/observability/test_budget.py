from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.infra.resources import Resources

BUDGET = "AWS::Budgets::Budget"
TAG = {"Key": "budget", "Value": "service"}


def test_a_monthly_budget_counts_the_resources_with_the_stacks_tag(full: Resources) -> None:
    assert full.properties(BUDGET)["Budget"] == {
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": 100, "Unit": "USD"},
        "CostFilters": {"TagKeyValue": ["user:budget$service"]},
    }
    for type_ in (
        "AWS::ApiGateway::Stage",
        "AWS::Lambda::Function",
        "AWS::SecretsManager::Secret",
        "AWS::WAFv2::WebACL",
    ):
        assert all(TAG in each["Properties"]["Tags"] for each in full.of_type(type_).values())
    (replica,) = full.properties("AWS::DynamoDB::GlobalTable")["Replicas"]
    assert TAG in replica["Tags"]


def test_the_alarm_email_is_notified_of_actual_and_forecast_cost(full: Resources) -> None:
    for each, (kind, percent) in zip(
        full.properties(BUDGET)["NotificationsWithSubscribers"],
        [("ACTUAL", 80), ("FORECASTED", 100)],
        strict=True,
    ):
        assert each["Notification"] == {
            "NotificationType": kind,
            "Threshold": percent,
            "ThresholdType": "PERCENTAGE",
            "ComparisonOperator": "GREATER_THAN",
        }
        assert each["Subscribers"] == [
            {"SubscriptionType": "EMAIL", "Address": "on-call@example.com"}
        ]
