"""DynamoDB in memory, fast enough for hundreds of thousands of runs.

It supports the few requests that the cache sends, within DynamoDB's limits, and raises on others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from functions.ratings.aws.json_client import AwsError

Item = dict[str, Any]

# Of one batch; moto accepts more.
MAX_READ_ITEMS = 100
MAX_WRITE_ITEMS = 25


def step(operation: str, request: Mapping[str, Any]) -> str:
    """The step of the cache that makes this call."""
    if operation != "UpdateItem":
        return "read" if operation == "BatchGetItem" else "store"
    update = request["UpdateExpression"]
    if "writing_until = " in update:
        return "open"
    return "close" if "settling_until = " in update else "invalidate"


class FakeDynamoDB:
    """One table: `items` by partition and sort key. The steps in `failing` raise an error."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.failing: set[str] = set()

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if step(operation, request) in self.failing:
            raise AwsError("Failing")
        match operation:
            case "BatchGetItem":
                return self._batch_get(request["RequestItems"])
            case "BatchWriteItem":
                return self._batch_write(request["RequestItems"])
            case "PutItem":
                self.items[_place(request["Item"])] = request["Item"]
                return {}
            case "UpdateItem":
                return self._update(request)
        raise NotImplementedError(operation)

    def _batch_get(self, tables: Mapping[str, Any]) -> dict[str, Any]:
        ((table, request),) = tables.items()
        assert request["ConsistentRead"] is True
        assert len(request["Keys"]) <= MAX_READ_ITEMS
        found = [self.items[_place(key)] for key in request["Keys"] if _place(key) in self.items]
        return {"Responses": {table: found}, "UnprocessedKeys": {}}

    def _batch_write(self, tables: Mapping[str, Any]) -> dict[str, Any]:
        (requests,) = tables.values()
        assert len(requests) <= MAX_WRITE_ITEMS
        for request in requests:
            self.items[_place(request["PutRequest"]["Item"])] = request["PutRequest"]["Item"]
        return {"UnprocessedItems": {}}

    def _update(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert request["ReturnValues"] == "ALL_OLD"
        key, values = request["Key"], request["ExpressionAttributeValues"]
        before = self.items.get(_place(key), {})
        condition = request.get("ConditionExpression")
        if condition is not None and not _holds(condition, before, values):
            raise AwsError("ConditionalCheckFailedException")
        update = request["UpdateExpression"].removeprefix("SET ")
        assignments, _, removed = update.partition(" REMOVE ")
        after = {**key, **before}
        for assignment in re.split(r", (?=\w+ = )", assignments):
            name, expression = assignment.split(" = ")
            after[name] = _evaluated(expression, before, values)
        after.pop(removed, None)
        self.items[_place(key)] = after
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
    return {"N": str(int(present["N"]) + int(values[more]["N"]))}
