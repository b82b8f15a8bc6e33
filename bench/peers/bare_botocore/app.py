"""The job with next to nothing: a handler, and one GetItem by botocore's own client."""

import json
import os
import time
from hashlib import sha256

import botocore.session
import urllib3

TABLE = os.environ["CACHE_TABLE_NAME"]
APPLE = os.environ["APPLE_MUSIC_URL"]

session = botocore.session.get_session()
dynamodb = session.create_client("dynamodb")
http = urllib3.PoolManager()
_developer_token = None


def developer_token() -> str:
    global _developer_token  # noqa: PLW0603 - kept for the life of the environment
    if _developer_token is None:
        client = session.create_client("secretsmanager")
        answer = client.get_secret_value(SecretId=os.environ["DEVELOPER_TOKEN_SECRET_ID"])
        _developer_token = answer["SecretString"]
    return _developer_token


def lambda_handler(event: dict, context: object) -> dict:  # noqa: ARG001 - Lambda passes two
    song = event["pathParameters"]["id"]
    token = event["headers"]["Music-User-Token"]
    owner = sha256(token.encode()).hexdigest()
    key = {"pk": {"S": owner}, "sk": {"S": f"library-songs#{song}"}}
    item = dynamodb.get_item(TableName=TABLE, Key=key).get("Item")
    if item is not None and float(item["expires_at"]["N"]) > time.time():
        body = item["body"]["S"]
    else:
        headers = {"Authorization": f"Bearer {developer_token()}", "Music-User-Token": token}
        answer = http.request("GET", f"{APPLE}/v1/me/ratings/library-songs/{song}", headers=headers)
        body = json.dumps(answer.json())
        expires_at = str(time.time() + float(os.environ["FRESH_SECONDS"]))
        new = {**key, "body": {"S": body}, "expires_at": {"N": expires_at}}
        dynamodb.put_item(TableName=TABLE, Item=new)
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": body}
