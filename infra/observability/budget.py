"""The monthly budget of a stage."""

from __future__ import annotations

from typing import Final

from aws_cdk import Stack, Tags
from aws_cdk import aws_budgets as budgets
from constructs import Construct

TAG: Final = "budget"

ACTUAL_PERCENT: Final = 80
FORECAST_PERCENT: Final = 100


class MonthlyBudget(Construct):
    """A budget for the costs of the stack: it tags the resources, and only notifies.

    `email` is notified when 80% of the limit is spent, and when the forecast for the month exceeds
    the limit. The tag must be activated as a cost allocation tag, see docs/operations.md.
    """

    def __init__(self, scope: Construct, id_: str, *, limit_usd: int, email: str) -> None:
        super().__init__(scope, id_)
        stack = Stack.of(self)
        # A separate tag: a filter by project and stage might count resources with only one of them.
        Tags.of(stack).add(TAG, stack.stack_name)
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=limit_usd, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:{TAG}${stack.stack_name}"]},
            ),
            notifications_with_subscribers=[
                _notification("ACTUAL", ACTUAL_PERCENT, email),
                _notification("FORECASTED", FORECAST_PERCENT, email),
            ],
        )


def _notification(
    kind: str, percent: int, email: str
) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
    return budgets.CfnBudget.NotificationWithSubscribersProperty(
        notification=budgets.CfnBudget.NotificationProperty(
            notification_type=kind,
            comparison_operator="GREATER_THAN",
            threshold=percent,
            threshold_type="PERCENTAGE",
        ),
        subscribers=[
            budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=email)
        ],
    )
