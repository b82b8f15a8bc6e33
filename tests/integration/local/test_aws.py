"""The table and the secret are as the stack makes them."""

from __future__ import annotations

from contextlib import closing

from functions.ratings.settings import PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE
from local.aws import LocalAws


def test_the_table_has_the_functions_keys_and_time_to_live() -> None:
    with LocalAws() as aws:
        aws.create_cache_table("cache")
        with closing(aws.dynamodb()) as dynamodb:
            table = dynamodb.describe_table(TableName="cache")["Table"]
            expiry = dynamodb.describe_time_to_live(TableName="cache")
    assert table["KeySchema"] == [
        {"AttributeName": PARTITION_KEY, "KeyType": "HASH"},
        {"AttributeName": SORT_KEY, "KeyType": "RANGE"},
    ]
    assert expiry["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": TTL_ATTRIBUTE,
    }


def test_the_secret_holds_the_token_alone() -> None:
    with LocalAws() as aws:
        aws.create_secret("developer-token", "a-made-up-token")
        with closing(aws.secrets_manager()) as secrets:
            held = secrets.get_secret_value(SecretId="developer-token")
    assert held["SecretString"] == "a-made-up-token"
