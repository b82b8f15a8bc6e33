"""The errors of a request for a token; each class carries its HTTP response.

Messages are for engineers and contain no token, key or upstream text. `title` and `detail` are for
callers; docs/errors.md lists them.
"""

from __future__ import annotations


class SignInError(Exception):
    """The root; `retry_after` is in seconds, None if a retry does not help."""

    status = 500
    code = "50090"
    title = "Internal Server Error"
    detail = "An internal error occurred. The service has logged it under this id."
    retry_after: int | None = None


class InternalError(SignInError):
    """A defect."""


class OriginNotAllowedError(SignInError):
    """The web page's origin is not allowed, or the request has several origins."""

    status, code, title = 403, "40391", "Origin Not Allowed"
    detail = "This deployment issues no developer token to web pages of this origin."


class NoSigningKeyError(SignInError):
    """An operator has not set a signing key yet."""

    status, code, title = 503, "50392", "No Signing Key"
    detail = "The service has no signing key yet."


class SigningKeyUnavailableError(SignInError):
    """The signing key cannot be read, or it is invalid."""

    status, code, title = 503, "50393", "Signing Key Unavailable"
    detail = "The service cannot use its signing key. Retry after the time in Retry-After."
    retry_after = 5
