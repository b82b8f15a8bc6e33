"""The job as in FastAPI's tutorial, with Mangum as adapter."""

from typing import Annotated

import boto3
from fastapi import FastAPI, Header, Response
from job import Ratings
from mangum import Mangum

app = FastAPI()
ratings = Ratings(boto3.client)


@app.get("/v1/me/ratings/library-songs/{song}")
def rating(song: str, music_user_token: Annotated[str, Header()]) -> Response:
    body, _ = ratings.get(music_user_token, "library-songs", song)
    return Response(content=body, media_type="application/json")


lambda_handler = Mangum(app, lifespan="off")
