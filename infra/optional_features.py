"""The settings of a stage's optional features."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from functions.shared.settings import ANY_ORIGIN, check_origins
from functions.sign_in.settings import MAX_LIFE_SECONDS, MIN_LIFE_SECONDS

_ARN: Final = r"arn:aws(-us-gov)?:"
_MIN_FIREWALL_RATE: Final = 10
_DOMAIN: Final = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.ASCII)
_CERTIFICATE: Final = re.compile(_ARN + r"acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]+", re.ASCII)
_HOSTED_ZONE: Final = re.compile(r"Z[A-Z0-9]{1,31}", re.ASCII)
_FUNCTION: Final = re.compile(
    _ARN + r"lambda:[a-z0-9-]+:\d{12}:function:[\w-]{1,64}(:[\w-]{1,128})?", re.ASCII
)
_USER_POOL: Final = re.compile(
    _ARN + r"cognito-idp:[a-z0-9-]+:\d{12}:userpool/[a-z0-9-]+_\w+", re.ASCII
)
_SCOPE: Final = re.compile(r"[\x21-\x7e]{1,256}/[\x21-\x7e]{1,256}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallRules:
    """The rules of the web ACL in front of a stage.

    `requests_per_address` and `requests_per_token` limit the requests of one address and of one
    `Music-User-Token` in five minutes. `common_rules` adds AWS's common rule set.

    Raises:
        ValueError: from the constructor, if there is no rule, or AWS WAF does not accept a rate.
    """

    requests_per_address: int | None = None
    requests_per_token: int | None = None
    common_rules: bool = False

    def __post_init__(self) -> None:
        rates = (self.requests_per_address, self.requests_per_token)
        if rates == (None, None) and not self.common_rules:
            raise ValueError("a firewall needs at least one rule")
        for rate in rates:
            if rate is not None and rate < _MIN_FIREWALL_RATE:
                raise ValueError(
                    f"a firewall's rate must be at least {_MIN_FIREWALL_RATE} requests in five "
                    f"minutes, not {rate}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomDomain:
    """A custom domain name, with its certificate or its public hosted zone or both.

    `certificate_arn` names a certificate in the stage's region. `hosted_zone_id` names a zone in
    Route 53 to which the stack adds the domain's A and AAAA records. Without a certificate, the
    stack also requests one, and validates it by a record in that zone.

    Raises:
        ValueError: from the constructor, if a value is malformed, or ARN and zone are missing.
    """

    name: str
    certificate_arn: str | None = None
    hosted_zone_id: str | None = None

    def __post_init__(self) -> None:
        if not _DOMAIN.fullmatch(self.name):
            raise ValueError(f"not a domain name in lower case: {self.name!r}")
        if self.certificate_arn is None and self.hosted_zone_id is None:
            raise ValueError(
                f"the domain {self.name} needs a certificate_arn, or the hosted_zone_id of its "
                "public zone in Route 53 so that the stack can request a certificate"
            )
        if self.certificate_arn is not None and not _CERTIFICATE.fullmatch(self.certificate_arn):
            raise ValueError(f"not the ARN of a certificate: {self.certificate_arn!r}")
        if self.hosted_zone_id is not None and not _HOSTED_ZONE.fullmatch(self.hosted_zone_id):
            raise ValueError(f"not the id of a hosted zone, such as Z123: {self.hosted_zone_id!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaAuthorizer:
    """A function of the same account and region that checks each request's `Authorization`.

    API Gateway passes it only that header, and caches the returned policy for five minutes: the
    policy must allow every method of the API.

    Raises:
        ValueError: from the constructor, if the ARN is malformed.
    """

    function_arn: str

    def __post_init__(self) -> None:
        if not _FUNCTION.fullmatch(self.function_arn):
            raise ValueError(f"not the ARN of a Lambda function: {self.function_arn!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CognitoAuthorizer:
    """A Cognito user pool whose tokens API Gateway itself checks in `Authorization`.

    Without `scopes` it accepts the pool's id tokens; with them, access tokens that have one of
    these custom scopes, such as `ratings/write`.

    Raises:
        ValueError: from the constructor, if the ARN or a scope is malformed.
    """

    user_pool_arn: str
    scopes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _USER_POOL.fullmatch(self.user_pool_arn):
            raise ValueError(f"not the ARN of a Cognito user pool: {self.user_pool_arn!r}")
        for scope in self.scopes:
            if not _SCOPE.fullmatch(scope):
                raise ValueError(f"not a custom scope, RESOURCE_SERVER/SCOPE: {scope!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInTokens:
    """Developer tokens with which apps sign users in, at `GET /developer-token`.

    A token expires after `life_minutes`. Web pages of `allowed_origins` get tokens for their own
    origin, and pages of other origins get none. Tokens of apps name no origin. `throttle_rate`
    (requests per second) and `throttle_burst` limit all callers of this endpoint together.

    Raises:
        ValueError: from the constructor, if a value is out of range or is not an origin.
    """

    life_minutes: int = 15
    allowed_origins: tuple[str, ...] = ()
    throttle_rate: int = 5
    throttle_burst: int = 10

    def __post_init__(self) -> None:
        if not MIN_LIFE_SECONDS <= 60 * self.life_minutes <= MAX_LIFE_SECONDS:
            raise ValueError(
                f"a sign-in token must be valid for {MIN_LIFE_SECONDS // 60} to "
                f"{MAX_LIFE_SECONDS // 60} minutes, not {self.life_minutes}"
            )
        if self.throttle_rate < 1 or self.throttle_burst < 1:
            raise ValueError("the throttle of sign-in tokens must accept at least one request")
        if self.allowed_origins == ANY_ORIGIN:
            raise ValueError("sign_in_tokens must list its origins: * would allow every web page")
        check_origins(self.allowed_origins)
