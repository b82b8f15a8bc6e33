"""The job as Chalice's tutorial teaches it."""

import json
import os
import time
from hashlib import sha256

import boto3
import urllib3
from chalice import Chalice, Response

TABLE = os.environ["CACHE_TABLE_NAME"]
APPLE = os.environ["APPLE_MUSIC_URL"]

app = Chalice(app_name="ratings")
dynamodb = boto3.client("dynamodb")
http = urllib3.PoolManager()
_developer_token = None


def developer_token() -> str:
    global _developer_token  # noqa: PLW0603 - kept for the life of the environment
    if _developer_token is None:
        client = boto3.client("secretsmanager")
        answer = client.get_secret_value(SecretId=os.environ["DEVELOPER_TOKEN_SECRET_ID"])
        _developer_token = answer["SecretString"]
    return _developer_token


@app.route("/v1/me/ratings/{type}/{id}", methods=["GET"])
def rating(type: str, id: str) -> Response:  # noqa: A002 - Chalice passes what the path names
    token = app.current_request.headers["Music-User-Token"]
    owner = sha256(token.encode()).hexdigest()
    key = {"pk": {"S": owner}, "sk": {"S": f"{type}#{id}"}}
    item = dynamodb.get_item(TableName=TABLE, Key=key).get("Item")
    if item is not None and float(item["expires_at"]["N"]) > time.time():
        body = item["body"]["S"]
    else:
        headers = {"Authorization": f"Bearer {developer_token()}", "Music-User-Token": token}
        answer = http.request("GET", f"{APPLE}/v1/me/ratings/{type}/{id}", headers=headers)
        body = json.dumps(answer.json())
        expires_at = str(time.time() + float(os.environ["FRESH_SECONDS"]))
        new = {**key, "body": {"S": body}, "expires_at": {"N": expires_at}}
        dynamodb.put_item(TableName=TABLE, Item=new)
    return Response(status_code=200, body=body, headers={"Content-Type": "application/json"})
