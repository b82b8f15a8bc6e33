"""botocore's signer over a pool of urllib3: no client, no models, no event system."""

import json
import os
from urllib.parse import urlsplit

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

TABLE = os.environ["CACHE_TABLE_NAME"]
URL = os.environ["AWS_ENDPOINT_URL_DYNAMODB"] + "/"

credentials = ReadOnlyCredentials(
    os.environ["AWS_ACCESS_KEY_ID"],
    os.environ["AWS_SECRET_ACCESS_KEY"],
    os.environ["AWS_SESSION_TOKEN"],
)
signer = SigV4Auth(credentials, "dynamodb", os.environ["AWS_REGION"])
endpoint = urlsplit(URL)
pool = urllib3.HTTPSConnectionPool(
    endpoint.hostname,
    endpoint.port,
    maxsize=1,
    retries=False,
    timeout=urllib3.Timeout(connect=1, read=2),
    ca_certs=os.environ["AWS_CA_BUNDLE"],
)


def call(operation, request):
    body = json.dumps(request).encode()
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
    }
    signed = AWSRequest(method="POST", url=URL, data=body, headers=headers)
    signer.add_auth(signed)
    answer = pool.urlopen("POST", "/", body=body, headers=dict(signed.headers.items()))
    return json.loads(answer.data)


def lambda_handler(event, context):
    keys = [{"pk": {"S": "owner"}, "sk": {"S": name}} for name in event["names"]]
    if event["batch"]:
        request = {"RequestItems": {TABLE: {"Keys": keys, "ConsistentRead": True}}}
        found = call("BatchGetItem", request)["Responses"][TABLE]
    else:
        request = {"TableName": TABLE, "Key": keys[0], "ConsistentRead": True}
        found = [call("GetItem", request)["Item"]]
    return {"statusCode": 200 if len(found) == len(keys) else 500}
