"""The job as FastAPI's tutorial teaches it, behind Mangum as its own page does."""

import json
import os
import time
from hashlib import sha256
from typing import Annotated

import boto3
import urllib3
from fastapi import FastAPI, Header, Response
from mangum import Mangum

TABLE = os.environ["CACHE_TABLE_NAME"]
APPLE = os.environ["APPLE_MUSIC_URL"]

app = FastAPI()
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


@app.get("/v1/me/ratings/library-songs/{song}")
def rating(song: str, music_user_token: Annotated[str, Header()]) -> Response:
    owner = sha256(music_user_token.encode()).hexdigest()
    key = {"pk": {"S": owner}, "sk": {"S": f"library-songs#{song}"}}
    item = dynamodb.get_item(TableName=TABLE, Key=key).get("Item")
    if item is not None and float(item["expires_at"]["N"]) > time.time():
        body = item["body"]["S"]
    else:
        bearer = f"Bearer {developer_token()}"
        headers = {"Authorization": bearer, "Music-User-Token": music_user_token}
        answer = http.request("GET", f"{APPLE}/v1/me/ratings/library-songs/{song}", headers=headers)
        body = json.dumps(answer.json())
        expires_at = str(time.time() + float(os.environ["FRESH_SECONDS"]))
        new = {**key, "body": {"S": body}, "expires_at": {"N": expires_at}}
        dynamodb.put_item(TableName=TABLE, Item=new)
    return Response(content=body, media_type="application/json")


lambda_handler = Mangum(app, lifespan="off")
