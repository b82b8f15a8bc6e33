"""The job as Powertools for AWS Lambda teaches it: its resolver, logger, metrics and parameters."""

import json
import os
import time
from hashlib import sha256

import boto3
import urllib3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters

TABLE = os.environ["CACHE_TABLE_NAME"]
APPLE = os.environ["APPLE_MUSIC_URL"]

logger = Logger()
metrics = Metrics(namespace="Ratings")
app = APIGatewayRestResolver()
dynamodb = boto3.client("dynamodb")
http = urllib3.PoolManager()


@app.get("/v1/me/ratings/library-songs/<song>")
def rating(song: str) -> Response:
    token = app.current_event.headers["Music-User-Token"]
    owner = sha256(token.encode()).hexdigest()
    key = {"pk": {"S": owner}, "sk": {"S": f"library-songs#{song}"}}
    item = dynamodb.get_item(TableName=TABLE, Key=key).get("Item")
    hit = item is not None and float(item["expires_at"]["N"]) > time.time()
    if hit:
        body = item["body"]["S"]
    else:
        secret = parameters.get_secret(os.environ["DEVELOPER_TOKEN_SECRET_ID"], max_age=3600)
        headers = {"Authorization": f"Bearer {secret}", "Music-User-Token": token}
        answer = http.request("GET", f"{APPLE}/v1/me/ratings/library-songs/{song}", headers=headers)
        body = json.dumps(answer.json())
        expires_at = str(time.time() + float(os.environ["FRESH_SECONDS"]))
        new = {**key, "body": {"S": body}, "expires_at": {"N": expires_at}}
        dynamodb.put_item(TableName=TABLE, Item=new)
    logger.info("rating", hit=hit)
    metrics.add_metric(name="Hit" if hit else "Miss", unit=MetricUnit.Count, value=1)
    return Response(status_code=200, content_type="application/json", body=body)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@metrics.log_metrics
def lambda_handler(event: dict, context: object) -> dict:
    return app.resolve(event, context)
