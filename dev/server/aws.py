"""DynamoDB and Secrets Manager, simulated by moto on loopback."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.config import Config

from dev.aws_account import REGION
from dev.http.messages import LOOPBACK
from functions.ratings.settings import PARTITION_KEY, SORT_KEY

CREDENTIAL: Final = "local"
"""Both the access key id and the secret key; moto accepts any access key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAws:
    """Moto's server at `endpoint_url`; a caller of `client` must close the client."""

    endpoint_url: str

    def create_cache_table(self, name: str) -> None:
        """Create the empty table of the cache; moto deletes no expired items."""
        with closing(self.client("dynamodb")) as dynamodb:
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

    def delete_cache_table(self, name: str) -> None:
        """Delete the table of the cache with its items."""
        with closing(self.client("dynamodb")) as dynamodb:
            dynamodb.delete_table(TableName=name)

    def create_secret(self, name: str, value: str) -> None:
        """Create a secret with one version."""
        with closing(self.client("secretsmanager")) as secrets:
            secrets.create_secret(Name=name, SecretString=value)

    def client(self, service: str) -> Any:
        """Return a new client of the SDK."""
        make: Callable[..., Any] = boto3.client  # the type stubs accept only literal service names
        return make(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=CREDENTIAL,
            aws_secret_access_key=CREDENTIAL,
            config=Config(proxies={}),
        )


@contextmanager
def local_aws() -> Iterator[LocalAws]:
    """Run moto on a free port for as long as the block lasts; its data ends with it."""
    # Moto takes a second to import.
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it logs every request
    server = ThreadedMotoServer(ip_address=LOOPBACK, port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        yield LocalAws(endpoint_url=f"http://{LOOPBACK}:{port}")
    finally:
        server.stop()
