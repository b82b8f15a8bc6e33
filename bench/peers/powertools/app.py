"""The job as in Powertools' documentation: its resolver, logger, metrics and parameters."""

import os

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters
from job import Ratings

logger = Logger()
metrics = Metrics(namespace="Ratings")
app = APIGatewayRestResolver()


def developer_token() -> str:
    return parameters.get_secret(os.environ["DEVELOPER_TOKEN_SECRET_ID"], max_age=3600)


ratings = Ratings(boto3.client, developer_token)


@app.get("/v1/me/ratings/library-songs/<song>")
def rating(song: str) -> Response:
    token = app.current_event.headers["Music-User-Token"]
    body, hit = ratings.get(token, "library-songs", song)
    logger.info("rating", hit=hit)
    metrics.add_metric(name="Hit" if hit else "Miss", unit=MetricUnit.Count, value=1)
    return Response(status_code=200, content_type="application/json", body=body)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@metrics.log_metrics
def lambda_handler(event: dict, context: object) -> dict:
    return app.resolve(event, context)
