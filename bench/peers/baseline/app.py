"""The baseline: only one round trip on a kept connection, with the standard library."""

import os
import ssl
from http.client import HTTPSConnection
from urllib.parse import urlsplit

apple = urlsplit(os.environ["APPLE_MUSIC_URL"])
connection = HTTPSConnection(apple.hostname, apple.port, context=ssl.create_default_context())


def lambda_handler(event: dict, context: object) -> dict:  # noqa: ARG001 - Lambda passes two
    headers = {"Music-User-Token": event["headers"]["Music-User-Token"]}
    connection.request("GET", event["path"], headers=headers)
    body = connection.getresponse().read().decode()
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": body}
