"""Makes the clients of AWS, with the time-outs that the function's promises rest on.

One attempt each: what is slow is gone on without. They take the environment's credentials, which
Lambda puts there for an environment's whole life, and no proxy out of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import botocore
import urllib3
from botocore.exceptions import ClientError

from functions.ratings.aws_json import (
    DYNAMODB,
    SECRETS_MANAGER,
    Account,
    AwsJson,
    Credentials,
    JsonService,
)

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_secretsmanager import SecretsManagerClient

_AUTHORITIES: Final = Path(botocore.__file__).with_name("cacert.pem")


class ConditionalCheckFailedException(ClientError):  # noqa: N818 - DynamoDB's name
    """DynamoDB changed nothing, for a condition did not hold."""


class DynamoDBExceptions:
    """The exceptions of the one operation that has a condition."""

    ConditionalCheckFailedException = ConditionalCheckFailedException


class DynamoDB:
    """The operations of DynamoDB that are used, as boto3's client has them."""

    exceptions = DynamoDBExceptions

    def __init__(self, aws: AwsJson) -> None:
        self._aws = aws

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        """Read items."""
        return self._aws.call("BatchGetItem", request)

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        """Put items."""
        return self._aws.call("BatchWriteItem", request)

    def put_item(self, **request: Any) -> dict[str, Any]:
        """Put one item."""
        return self._aws.call("PutItem", request)

    def update_item(self, **request: Any) -> dict[str, Any]:
        """Change one item.

        Raises:
            ConditionalCheckFailedException: where its condition does not hold.
        """
        try:
            return self._aws.call("UpdateItem", request)
        except ClientError as error:
            if error.response["Error"]["Code"] != ConditionalCheckFailedException.__name__:
                raise
            raise ConditionalCheckFailedException(error.response, "UpdateItem") from None


class SecretsManager:
    """The one operation of Secrets Manager that is used, as boto3's client has it."""

    def __init__(self, aws: AwsJson) -> None:
        self._aws = aws

    def get_secret_value(self, **request: Any) -> dict[str, Any]:
        """Read a secret."""
        return self._aws.call("GetSecretValue", request)


class AwsClients:
    """Makes clients as an environment's variables say, by the names that AWS's SDKs have for them.

    Those are `AWS_REGION`, the three of the credentials, and, away from AWS itself,
    `AWS_ENDPOINT_URL` alone or with a service's name behind it, and `AWS_CA_BUNDLE`.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take what is needed out of `environment`."""
        self._environment = environment
        self._account = Account(
            region=environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", ""),
            credentials=_credentials(environment),
        )

    def dynamodb(self, *, timeout_milliseconds: int) -> DynamoDBClient:
        """Make a client that waits 0.1 s for a connection, and so long for an answer."""
        timeout = urllib3.Timeout(connect=0.1, read=timeout_milliseconds / 1000)
        return cast("DynamoDBClient", DynamoDB(self._aws(DYNAMODB, "DYNAMODB", timeout)))

    def secrets_manager(self) -> SecretsManagerClient:
        """Make a client that takes a second at most."""
        timeout = urllib3.Timeout(connect=0.3, read=0.7)
        aws = self._aws(SECRETS_MANAGER, "SECRETS_MANAGER", timeout)
        return cast("SecretsManagerClient", SecretsManager(aws))

    def _aws(self, service: JsonService, variable: str, timeout: urllib3.Timeout) -> AwsJson:
        given = self._environment
        url = given.get(f"AWS_ENDPOINT_URL_{variable}") or given.get("AWS_ENDPOINT_URL")
        return AwsJson(
            service,
            url=(url or f"https://{service.name}.{self._account.region}.amazonaws.com").rstrip("/"),
            account=self._account,
            timeout=timeout,
            authorities=given.get("AWS_CA_BUNDLE") or str(_AUTHORITIES),
        )


def _credentials(environment: Mapping[str, str]) -> Credentials | None:
    key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if not key or not secret:
        return None
    return Credentials(
        access_key=key, secret_key=secret, token=environment.get("AWS_SESSION_TOKEN")
    )
