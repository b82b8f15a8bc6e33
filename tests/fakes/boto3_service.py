"""A boto3 client behind the interface of the functions' own client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from functions.shared.aws.json_client import AwsError


class Boto3Service:
    def __init__(self, client: Any) -> None:
        self._client = client

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            response: dict[str, Any] = getattr(self._client, xform_name(operation))(**request)
        except ClientError as error:
            raise AwsError(error.response["Error"]["Code"], error.response.get("Item")) from None
        return response
