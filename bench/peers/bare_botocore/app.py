"""`job.py` in a bare handler, with botocore's own client."""

import botocore.session
from job import Ratings

ratings = Ratings(botocore.session.get_session().create_client)


def lambda_handler(event: dict, context: object) -> dict:  # noqa: ARG001 - Lambda passes two
    token = event["headers"]["Music-User-Token"]
    body, _ = ratings.get(token, "library-songs", event["pathParameters"]["id"])
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": body}
