"""The measured variants: the deployed function, and other implementations of the same job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PEERS: Final = Path(__file__).parent / "peers"

PROJECT: Final = "apple-music-ratings"
POWERTOOLS: Final = "powertools"
POWERTOOLS_SAM: Final = "powertools-sam"
BARE_BOTOCORE: Final = "bare-botocore"
BASELINE: Final = "baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One implementation.

    `peer` is its folder, None for this project. With `bytecode`, the bundle contains bytecode that
    Python does not check, which is fastest; otherwise it contains none, as with `sam build`.
    """

    name: str
    label: str
    handler: str = "app.lambda_handler"
    peer: Path | None = None
    bytecode: bool = True


VARIANTS: Final = (
    Variant(
        name=PROJECT,
        label="apple-music-ratings, as deployed",
        handler="functions.ratings.handler.lambda_handler",
    ),
    Variant(name=POWERTOOLS, label="Powertools, boto3; bytecode", peer=_PEERS / "powertools"),
    Variant(
        name=POWERTOOLS_SAM,
        label="the same, packaged by SAM",
        peer=_PEERS / "powertools",
        bytecode=False,
    ),
    Variant(name="fastapi", label="FastAPI, Mangum, boto3; bytecode", peer=_PEERS / "fastapi"),
    Variant(
        name=BARE_BOTOCORE,
        label="bare handler, one botocore GetItem; bytecode",
        peer=_PEERS / "bare_botocore",
    ),
    Variant(
        name=BASELINE,
        label="baseline: one HTTPS round trip on a kept connection",
        peer=_PEERS / "baseline",
    ),
)
