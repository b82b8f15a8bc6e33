"""DynamoDB in memory, fast enough for hundreds of thousands of runs.

It supports only the cache's requests, and raises on others. It enforces the limits of a batch.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from functions.shared.aws.json_client import AwsError

Item = dict[str, Any]

# The limits of one batch, which moto does not enforce.
MAX_READ_ITEMS = 100
MAX_WRITE_ITEMS = 25


def step(operation: str, request: Mapping[str, Any]) -> str:
    """Return the step of the cache that makes this call, such as `open`."""
    if operation == "PutItem" and request["Item"]["sk"]["S"].startswith("family#"):
        return "repair"
    if operation != "UpdateItem":
        return "read" if operation == "BatchGetItem" else "store"
    update = request["UpdateExpression"]
    if "writing_until = " in update:
        return "open"
    return "close" if "settling_until = " in update else "invalidate"


class FakeDynamoDB:
    """One table: `items` by partition key and sort key. Calls fail in the steps of `failing`."""

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
        assert request["ReturnValues"] == "ALL_NEW"
        key, values = request["Key"], request["ExpressionAttributeValues"]
        before = self.items.get(_place(key), {})
        if not _holds(request["ConditionExpression"], before, values):
            assert request["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
            raise AwsError("ConditionalCheckFailedException", before or None)
        update = request["UpdateExpression"].removeprefix("SET ")
        assignments, _, removed = update.partition(" REMOVE ")
        after = {**key, **before}
        for assignment in re.split(r", (?=\w+ = )", assignments):
            name, expression = assignment.split(" = ")
            after[name] = _evaluated(expression, before, values)
        for name in removed.split(", "):
            after.pop(name, None)
        self.items[_place(key)] = after
        return {"Attributes": after}


def _place(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _holds(condition: str, before: Item, values: Item) -> bool:
    """Evaluate `=`, `attribute_not_exists`, NOT, AND and OR."""

    def compared(match: re.Match[str]) -> str:
        absent, name, value = match.groups()
        return str(absent not in before if absent else before.get(name) == values[value])

    comparison = r"attribute_not_exists\((\w+)\)|(\w+) = (:\w+)"
    formula = re.sub(comparison, compared, condition)
    python = formula.replace("NOT", "not").replace("AND", "and").replace("OR", "or")
    assert re.fullmatch(r"(?:True|False|and|or|not|[() ])+", python), condition
    return _truth(python)


@functools.cache
def _truth(formula: str) -> bool:
    return bool(eval(formula))  # noqa: S307 - only constants and operators


def _evaluated(expression: str, before: Item, values: Item) -> Any:
    found = re.fullmatch(r"if_not_exists\((\w+), (:\w+)\)(?: \+ (:\w+))?", expression)
    if found is None:
        return values[expression]
    name, default, more = found.groups()
    present = before[name] if name in before else values[default]
    if more is None:
        return present
    try:
        return {"N": str(int(present["N"]) + int(values[more]["N"]))}
    except KeyError:
        raise AwsError("ValidationException") from None


def item_size(item: Item) -> int:
    """The bytes of an item.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    content: Any
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            digits = content.lstrip("-").replace(".", "").strip("0")
            return (len(digits) + 1) // 2 + 1 + int(content.startswith("-"))
        case "L":
            return 3 + sum(1 + _value_size(each) for each in content)
        case "M":
            return 3 + len(content) + item_size(content)
        case "NULL":
            return 1
    raise NotImplementedError(kind)


class Capacity:
    """The units that requests consume, computed from requests and responses.

    A consistent read costs one unit per started 4 KiB of each item. A write costs one unit per
    started KiB of the item, before or after the write, whichever is larger; at least one unit.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """

    def __init__(self) -> None:
        self.read_units = 0
        self.write_units = 0
        self.sizes: dict[tuple[str, str], int] = {}

    def record(
        self, operation: str, request: Mapping[str, Any], response: Mapping[str, Any]
    ) -> None:
        match operation:
            case "BatchGetItem":
                ((table, wanted),) = request["RequestItems"].items()
                found = response["Responses"][table]
                absent = len(wanted["Keys"]) - len(found)
                self.read_units += absent + sum(_started(item_size(each), 4096) for each in found)
            case "BatchWriteItem":
                (requests,) = request["RequestItems"].values()
                for each in requests:
                    self._write(each["PutRequest"]["Item"])
            case "PutItem":
                self._write(request["Item"])
            case "UpdateItem":
                self._write(response.get("Attributes") or response.get("Item") or request["Key"])

    def _write(self, item: Item) -> None:
        size, before = item_size(item), self.sizes.get(_place(item), 0)
        self.write_units += _started(max(size, before), 1024)
        self.sizes[_place(item)] = size


def _started(size: int, unit: int) -> int:
    return max(1, -(-size // unit))
