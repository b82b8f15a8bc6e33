"""What can go wrong while a token is renewed: one tree.

::

    TokenRotationError
    ├── EventError                  neither a rotation step of our secret nor a schedule's event
    ├── SigningKeyError             the signing key's secret holds no usable key
    │   └── NoSigningKeyError       nobody has put a key yet, which is no failure
    ├── DeveloperTokenError         a version of the token's secret holds no developer token
    │   └── NoDeveloperTokenError   nor has anybody put one yet
    ├── NotRotatingError            the secret or its version is not being rotated
    ├── SecretsManagerError         Secrets Manager failed, or refused
    └── AppleMusicError
        ├── TokenRefusedError       Apple answered that it does not accept the new token
        └── AppleUnavailableError   Apple gave no answer to that question

Messages are for operators and hold no token, key, or text of another's making.
"""

from __future__ import annotations


class TokenRotationError(Exception):
    """The root: a step did not happen, and the token in use stays in use."""


class EventError(TokenRotationError):
    """The event is none that this function handles."""


class SigningKeyError(TokenRotationError):
    """The signing key's secret holds no key that could sign a developer token."""


class NoSigningKeyError(SigningKeyError):
    """The signing key's secret is empty, or still says that there is no key."""


class DeveloperTokenError(TokenRotationError):
    """What should be a developer token is none."""


class NoDeveloperTokenError(DeveloperTokenError):
    """The secret still says that there is no developer token."""


class NotRotatingError(TokenRotationError):
    """Rotation is off, or the version is not the one that is being prepared."""


class SecretsManagerError(TokenRotationError):
    """A call to Secrets Manager failed."""


class AppleMusicError(TokenRotationError):
    """Apple did not accept the new token, for whatever reason."""


class TokenRefusedError(AppleMusicError):
    """Apple does not accept the new token: the key, or an id beside it, is wrong or revoked."""


class AppleUnavailableError(AppleMusicError):
    """Apple could not be asked, or its answer says nothing of the token."""
