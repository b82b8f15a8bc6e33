"""What is measured: the deployed function, and the ways in which others build the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PEERS: Final = Path(__file__).parent / "peers"

PROJECT: Final = "apple-music-ratings"
POWERTOOLS: Final = "powertools"
POWERTOOLS_SAM: Final = "powertools-sam"
BARE_BOTOCORE: Final = "bare-botocore"
FLOOR: Final = "floor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One way to build the service.

    `peer` is its folder, None for the project itself. With `bytecode` its modules are
    compiled into its bundle, checked by nobody, which is the best that a peer can do; without, it
    ships as its own tool packages it. Only those that do the job count as the best peer.
    """

    name: str
    label: str
    handler: str = "app.lambda_handler"
    peer: Path | None = None
    bytecode: bool = True
    does_the_job: bool = True


CONTESTANTS: Final = (
    Contestant(
        name=PROJECT,
        label="apple-music-ratings, as deployed",
        handler="functions.ratings.handler.lambda_handler",
    ),
    Contestant(name=POWERTOOLS, label="Powertools, boto3; valid .pyc", peer=PEERS / "powertools"),
    Contestant(
        name=POWERTOOLS_SAM,
        label="the same as SAM packages it",
        peer=PEERS / "powertools",
        bytecode=False,
    ),
    Contestant(
        name="chalice",
        label="Chalice, boto3",
        handler="app.app",
        peer=PEERS / "chalice",
        bytecode=False,
    ),
    Contestant(name="fastapi", label="FastAPI, Mangum, boto3; valid .pyc", peer=PEERS / "fastapi"),
    Contestant(
        name=BARE_BOTOCORE,
        label="bare handler, one botocore GetItem; valid .pyc",
        peer=PEERS / "bare_botocore",
    ),
    Contestant(
        name=FLOOR,
        label="floor: one kept HTTPS round trip, no job done",
        peer=PEERS / "floor",
        does_the_job=False,
    ),
)
