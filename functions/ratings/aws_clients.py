"""Makes the clients of AWS, with the time-outs that the function's promises rest on.

One attempt each: what is slow is gone on without. `proxies={}` keeps botocore from taking a proxy
out of the environment. They are botocore's own, on which boto3 builds: importing the rest of boto3
takes longer than importing these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.loaders import Loader
from botocore.session import Session

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_secretsmanager import SecretsManagerClient


class AwsClients:
    """Clients that share what botocore has to load only once."""

    def __init__(self) -> None:
        self._session = Session()
        # Its own models alone: a home directory's would be looked for at every start.
        models = Loader(
            extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False
        )
        self._session.register_component("data_loader", models)

    def dynamodb(self, *, timeout_milliseconds: int) -> DynamoDBClient:
        """Make a client that waits 0.1 s for a connection, and so long for an answer."""
        config = Config(
            connect_timeout=0.1,
            read_timeout=timeout_milliseconds / 1000,
            retries={"total_max_attempts": 1},
            proxies={},
            tcp_keepalive=True,
        )
        return cast("DynamoDBClient", self._session.create_client("dynamodb", config=config))

    def secrets_manager(self) -> SecretsManagerClient:
        """Make a client that takes a second at most."""
        config = Config(
            connect_timeout=0.3, read_timeout=0.7, retries={"total_max_attempts": 1}, proxies={}
        )
        return cast(
            "SecretsManagerClient", self._session.create_client("secretsmanager", config=config)
        )
