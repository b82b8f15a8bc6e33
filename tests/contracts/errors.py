"""Every error that the API can return, for the tests of responses and of the documentation."""

from __future__ import annotations

from typing import Final

from functions.ratings.errors import (
    AppleRejectedError,
    DependencyError,
    InternalError,
    RatingsError,
    RequestError,
)


def leaves(error: type[RatingsError]) -> list[type[RatingsError]]:
    return [leaf for child in error.__subclasses__() for leaf in leaves(child)] or [error]


ERRORS: Final = [
    leaf
    for root in (RequestError, AppleRejectedError, DependencyError, InternalError)
    for leaf in leaves(root)
]
