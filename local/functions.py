"""The two functions as Lambda is told of them: name, handler, and environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local.aws import ACCOUNT_ID, ISOLATION, REGION


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """One function. `package` is its folder in `functions/`; `memory_mb` is only told, not held."""

    package: str
    memory_mb: int
    timeout_seconds: float

    @property
    def name(self) -> str:
        """What the function is called on this machine."""
        return f"apple-music-ratings-local-{self.package}"

    @property
    def arn(self) -> str:
        """What it is called by AWS."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{self.name}"

    def variables(self, own: Mapping[str, str], *, aws_url: str) -> dict[str, str]:
        """Give its environment: its `own` settings, and what Lambda and its layers add."""
        return {
            **ISOLATION,
            **own,
            "AWS_ENDPOINT_URL_DYNAMODB": aws_url,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws_url,
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "POWERTOOLS_SERVICE_NAME": "apple-music-ratings",
            "PYTHONUNBUFFERED": "1",
            "_HANDLER": f"functions.{self.package}.handler.lambda_handler",
        }


RATINGS = FunctionSettings(package="ratings", memory_mb=256, timeout_seconds=10.0)
TOKEN_ROTATION = FunctionSettings(package="token_rotation", memory_mb=256, timeout_seconds=60.0)
