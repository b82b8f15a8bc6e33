"""DynamoDB in memory, fast enough for hundreds of thousands of runs.

It knows the few forms of requests that the response cache makes, and raises on any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from functions.ratings.aws_json import AwsError

Item = dict[str, Any]


class FakeDynamoDB:
    """One table, by partition and sort key."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], Item] = {}

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        response: dict[str, Any] = getattr(self, f"_{operation}")(**request)
        return response

    def _BatchGetItem(self, *, RequestItems: dict[str, Any]) -> Any:  # noqa: N802, N803
        ((table, request),) = RequestItems.items()
        assert request["ConsistentRead"] is True
        found = [self._items[_place(key)] for key in request["Keys"] if _place(key) in self._items]
        return {"Responses": {table: found}, "UnprocessedKeys": {}}

    def _PutItem(self, *, TableName: str, Item: Item) -> Any:  # noqa: N802, N803
        self._items[_place(Item)] = Item
        return {}

    def _BatchWriteItem(self, *, RequestItems: dict[str, Any]) -> Any:  # noqa: N802, N803
        ((_, requests),) = RequestItems.items()
        for request in requests:
            self._items[_place(request["PutRequest"]["Item"])] = request["PutRequest"]["Item"]
        return {"UnprocessedItems": {}}

    def _UpdateItem(  # noqa: N802
        self,
        *,
        TableName: str,  # noqa: N803
        Key: Item,  # noqa: N803
        UpdateExpression: str,  # noqa: N803
        ExpressionAttributeValues: Item,  # noqa: N803
        ReturnValues: str,  # noqa: N803
        ConditionExpression: str | None = None,  # noqa: N803
    ) -> Any:
        assert ReturnValues == "ALL_OLD"
        values = ExpressionAttributeValues
        before = self._items.get(_place(Key), {})
        if ConditionExpression is not None and not _holds(ConditionExpression, before, values):
            raise AwsError("ConditionalCheckFailedException")
        assignments, _, removed = UpdateExpression.removeprefix("SET ").partition(" REMOVE ")
        after = {**Key, **before}
        for assignment in re.split(r", (?=\w+ = )", assignments):
            name, expression = assignment.split(" = ")
            after[name] = _evaluated(expression, before, values)
        after.pop(removed, None)
        self._items[_place(Key)] = after
        return {"Attributes": before} if before else {}


def _place(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _holds(condition: str, before: Item, values: Item) -> bool:
    if existing := re.fullmatch(r"attribute_exists\((\w+)\)", condition):
        return existing[1] in before
    name, value = condition.split(" = ")
    return bool(before.get(name) == values[value])


def _evaluated(expression: str, before: Item, values: Item) -> Any:
    counted = re.fullmatch(r"if_not_exists\((\w+), (:\w+)\) \+ (:\w+)", expression)
    if counted is None:
        return values[expression]
    name, first, more = (str(group) for group in counted.groups())
    present = before[name] if name in before else values[first]
    number = int(present["N"]) + int(values[more]["N"])
    return {"N": str(number)}
