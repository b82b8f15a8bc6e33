"""DynamoDB and Secrets Manager on this machine, without an account and without Docker."""

from __future__ import annotations

import logging
import os
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import boto3
from botocore.config import Config

from functions.ratings.settings import PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE
from local.http_server import LOOPBACK

if TYPE_CHECKING:
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_secretsmanager import SecretsManagerClient

    from local.environments import Function
    from local.secrets_manager import SecretsManager

REGION: Final = "us-east-1"
ACCOUNT_ID: Final = "123456789012"
_KEY: Final = "local"

ISOLATION: Final = {
    "AWS_ACCESS_KEY_ID": _KEY,
    "AWS_SECRET_ACCESS_KEY": _KEY,
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "HOME": os.devnull,  # botocore also looks for service models in ~/.aws
}
"""Environment variables that keep AWS's SDK away from a person's own account.

Every other `AWS_…` variable has to go.
"""


class LocalAws:
    """Moto's server, and the clients that fill it."""

    def __init__(self) -> None:
        self._server: ThreadedMotoServer | None = None
        self._secrets_manager: SecretsManager | None = None
        self._functions: dict[str, Function] = {}

    @property
    def endpoint_url(self) -> str:
        """Where both services answer, once started."""
        if self._server is None:
            raise RuntimeError("not started")
        _, port = self._server.get_host_and_port()
        return f"http://{LOOPBACK}:{port}"

    def start(self) -> None:
        """Start the server on a free port."""
        # Moto takes a second to import: whoever imports this module should not wait for it.
        from moto.moto_server.threaded_moto_server import ThreadedMotoServer  # noqa: PLC0415
        from moto.secretsmanager.models import secretsmanager_backends  # noqa: PLC0415

        from local.secrets_manager import SecretsManager  # noqa: PLC0415 - moto too

        self._secrets_manager = SecretsManager(REGION, ACCOUNT_ID, functions=self._functions)
        secretsmanager_backends[ACCOUNT_ID][REGION] = self._secrets_manager
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it logs every request
        self._server = ThreadedMotoServer(ip_address=LOOPBACK, port=0, verbose=False)
        self._server.start()

    def stop(self) -> None:
        """Stop the server; what it held is gone."""
        from moto.secretsmanager.models import secretsmanager_backends  # noqa: PLC0415 - as above

        if self._server is not None:
            self._server.stop()
            self._server = None
            del secretsmanager_backends[ACCOUNT_ID][REGION]

    def create_cache_table(self, name: str) -> None:
        """Make the table that holds ratings, empty."""
        dynamodb = self.dynamodb()
        dynamodb.create_table(
            TableName=name,
            AttributeDefinitions=[
                {"AttributeName": PARTITION_KEY, "AttributeType": "S"},
                {"AttributeName": SORT_KEY, "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": PARTITION_KEY, "KeyType": "HASH"},
                {"AttributeName": SORT_KEY, "KeyType": "RANGE"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE},
        )
        dynamodb.close()

    def create_secret(self, name: str, value: str) -> None:
        """Make a secret that holds `value` and nothing else."""
        secrets = self.secrets_manager()
        secrets.create_secret(Name=name, SecretString=value)
        secrets.close()

    def create_function(self, arn: str, function: Function) -> None:
        """Let Secrets Manager call a function."""
        self._functions[arn] = function

    def rotate_secret(self, name: str, *, function_arn: str) -> bool:
        """Have a function rotate a secret, now and on request; say whether it now did."""
        if self._secrets_manager is None:
            raise RuntimeError("not started")
        secrets = self.secrets_manager()
        version = secrets.rotate_secret(SecretId=name, RotationLambdaARN=function_arn)["VersionId"]
        self._secrets_manager.wait_for_rotation()
        current = secrets.get_secret_value(SecretId=name)["VersionId"]
        secrets.close()
        return current == version

    def dynamodb(self) -> DynamoDBClient:
        """Give a new client, for the caller to close."""
        return boto3.client(
            "dynamodb",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=_KEY,
            aws_secret_access_key=_KEY,
            config=Config(proxies={}),
        )

    def secrets_manager(self) -> SecretsManagerClient:
        """Give a new client, for the caller to close."""
        return boto3.client(
            "secretsmanager",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=_KEY,
            aws_secret_access_key=_KEY,
            config=Config(proxies={}),
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
