"""The job of every peer: read a rating from DynamoDB; on a miss call Apple and store the answer."""

import json
import os
import time
from hashlib import sha256

import urllib3


class Ratings:
    """`create_client` is boto3's or botocore's; `developer_token` returns the token to send."""

    def __init__(self, create_client, developer_token=None) -> None:
        self._create_client = create_client
        self._dynamodb = create_client("dynamodb")
        self._http = urllib3.PoolManager()
        self._kept_token = None
        self._developer_token = developer_token or self._read_token

    def get(self, user_token: str, type_: str, id_: str) -> tuple[str, bool]:
        """Return the body, and whether it came from the cache."""
        table = os.environ["CACHE_TABLE_NAME"]
        token_hash = sha256(user_token.encode()).hexdigest()
        key = {"pk": {"S": token_hash}, "sk": {"S": f"{type_}#{id_}"}}
        item = self._dynamodb.get_item(TableName=table, Key=key).get("Item")
        if item is not None and float(item["expires_at"]["N"]) > time.time():
            return item["body"]["S"], True
        bearer = f"Bearer {self._developer_token()}"
        headers = {"Authorization": bearer, "Music-User-Token": user_token}
        url = f"{os.environ['APPLE_MUSIC_URL']}/v1/me/ratings/{type_}/{id_}"
        body = json.dumps(self._http.request("GET", url, headers=headers).json())
        expires_at = str(time.time() + float(os.environ["FRESH_SECONDS"]))
        new = {**key, "body": {"S": body}, "expires_at": {"N": expires_at}}
        self._dynamodb.put_item(TableName=table, Item=new)
        return body, False

    def _read_token(self) -> str:
        if self._kept_token is None:
            client = self._create_client("secretsmanager")
            answer = client.get_secret_value(SecretId=os.environ["DEVELOPER_TOKEN_SECRET_ID"])
            self._kept_token = answer["SecretString"]
        return self._kept_token
