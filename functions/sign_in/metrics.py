"""The names of the function's metrics, for the function, its alarm and the dashboard."""

from __future__ import annotations

from enum import Enum, unique


@unique
class Metric(Enum):
    """The CloudWatch name of each metric; every request counts as exactly one of them."""

    # Requests answered with a token.
    SUCCEEDED = "SignInSucceeded"
    # Requests of a web page whose origin is not allowed.
    REJECTED = "SignInRejected"
    # Requests answered with 5xx.
    FAILED = "SignInFailed"
