from __future__ import annotations

from aws_cdk.aws_apigateway import ResponseType

from infra.service.gateway_errors import GATEWAY_ERRORS


def test_every_response_type_has_an_error_and_an_unknown_path_gets_404() -> None:
    known = {name.replace("_XX", "XX") for name in vars(ResponseType) if name.isupper()}

    assert set(GATEWAY_ERRORS) == {name for name in known if not name.startswith("_")}
    assert GATEWAY_ERRORS["DEFAULT_4XX"].status == 400
    assert GATEWAY_ERRORS["DEFAULT_5XX"].status == 500
    # API Gateway's default status is 403.
    assert GATEWAY_ERRORS["MISSING_AUTHENTICATION_TOKEN"].status == 404
    # Not 400 as in DEFAULT_4XX: clients retry a 429.
    assert {GATEWAY_ERRORS[each].status for each in ("THROTTLED", "QUOTA_EXCEEDED")} == {429}
    assert GATEWAY_ERRORS["INTEGRATION_TIMEOUT"].status == 504
