"""pydynox's client: AWS's SDK for Rust behind a Python module."""

import os

from pydynox.client import DynamoDBClient

TABLE = os.environ["CACHE_TABLE_NAME"]

client = DynamoDBClient(
    region=os.environ["AWS_REGION"],
    endpoint_url=os.environ["AWS_ENDPOINT_URL_DYNAMODB"],
    connect_timeout=1,
    read_timeout=2,
    max_retries=0,
)


def lambda_handler(event, context):
    keys = [{"pk": "owner", "sk": name} for name in event["names"]]
    if event["batch"]:
        found = client.sync_batch_get(TABLE, keys, consistent_read=True)
    else:
        found = [client.sync_get_item(TABLE, keys[0], consistent_read=True)]
    return {"statusCode": 200 if len(found) == len(keys) and found[0] else 500}
