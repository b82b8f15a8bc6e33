import pytest

from functions.ratings import errors
from functions.ratings.apple.statuses import error_of, read_retry_after
from tests.fakes.apple_music import response

NOW = 1_800_000_000
FORBIDDEN = '{"errors":[{"code":"40300"}]}'
HTML = "text/html"


@pytest.mark.parametrize(
    ("error", "statuses"),
    [
        (errors.BadAppleRequestError, [400]),
        (errors.UnexpectedRejectionError, [401, 402, 405, 406, 409, 414, 431]),
        (errors.UserTokenRejectedError, [403]),
        (errors.AppleRateLimitedError, [429]),
        (errors.AppleUnreachableError, [500, 502]),
        (errors.AppleUnavailableError, [503]),
        (errors.AppleTimeoutError, [504]),
        (errors.InvalidAppleResponseError, [204, 206, 299, 301, 302, 304, 307, 308, 418, 501, 520]),
    ],
)
def test_the_status_decides_even_if_the_body_is_unreadable(
    error: type[errors.RatingsError], statuses: list[int]
) -> None:
    for status in statuses:
        for body in (b"", b"<html", None) if status != 403 else (b"", None):
            raised = error_of(response(status, body), NOW)
            assert type(raised) is error
            assert str(raised).startswith(f"{status} from Apple Music")


@pytest.mark.parametrize(
    ("is_page", "body", "content_type"),
    [
        (True, "<html></html>", HTML),
        (True, " \r\n<!DOCTYPE html>", ""),
        (True, "Access denied", "Text/HTML; charset=utf-8"),
        *((False, "Access denied", content_type) for content_type in ("text/plain", "")),
        *((False, FORBIDDEN, content_type) for content_type in (HTML, "application/json")),
        (False, '{"message":"no"}', "application/json"),
        *((False, body, HTML) for body in ("", None)),
    ],
)
def test_a_403_is_a_rejection_unless_it_is_an_html_page(
    is_page: bool, body: str | None, content_type: str
) -> None:
    error = errors.InvalidAppleResponseError if is_page else errors.UserTokenRejectedError

    assert type(error_of(response(403, body, content_type=content_type), NOW)) is error


@pytest.mark.parametrize(
    ("proof", "body"),
    [
        (True, b""),
        *((True, b'{"errors":[{"code":"%s"}]}' % code) for code in (b"40400", b"40403", b"new")),
        (False, b'{"errors":[{"code":"40401"}]}'),
        (False, b'{"errors":[{"code":"40400"},{"code":"40401"}]}'),
        *((False, b'{"errors":%s}' % found) for found in (b'[{"code":40400}]', b"[{}]", b"[]")),
        *((False, body) for body in (b"{}", b'{"data":[]}', b"<html></html>", b"Not Found")),
        *((False, body) for body in (b"\xff", b"[" * 50_000, None)),
    ],
)
def test_only_a_404_that_is_empty_or_has_codes_but_not_40401_proves_absence(
    proof: bool, body: bytes | None
) -> None:
    error = errors.ItemNotFoundError if proof else errors.InvalidAppleResponseError

    assert type(error_of(response(404, body), NOW)) is error


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"errors":[{"code":"40015"},{"code":"40003"}]}', "40015"),
        *(
            (f'{{"errors":{found}}}', "40000")
            for found in ('[{"code":"secret"}]', '[{"code":40015}]', "[]", "{}")
        ),
        ('{"message":"API capacity exceeded"}', "40000"),
        *((body, "40000") for body in ("", "7", "[" * 200_000, None)),
    ],
)
def test_apples_code_for_a_bad_request_is_kept_if_it_has_five_digits(
    body: str | None, code: str
) -> None:
    assert error_of(response(400, body), NOW).code == code


@pytest.mark.parametrize(
    ("status", "seconds", "default"), [(429, 7, 1), (503, 7, 5), (500, None, None)]
)
def test_retry_after_is_forwarded_for_429_and_503(
    status: int, seconds: int | None, default: int | None
) -> None:
    assert error_of(response(status, retry_after="7"), NOW).retry_after == seconds
    assert error_of(response(status), NOW).retry_after == default


@pytest.mark.parametrize(
    ("seconds", "header"),
    [
        *((None, header) for header in (None, "-5", "soon", "", "1.5", "٣")),
        (7, "7"),
        (7, " 7 "),
        (1, "0"),
        (60, "61"),
        (60, "9" * 400),
        (30, "Fri, 15 Jan 2027 08:00:30 GMT"),
        (1, "Fri, 15 Jan 2027 07:00:00 GMT"),
        (60, "Fri, 15 Jan 2038 08:00:30 GMT"),
        (None, "Fri, 99 Jan 2027 08:00:30 GMT"),
    ],
)
def test_retry_after_is_read_within_bounds(seconds: int | None, header: str | None) -> None:
    assert read_retry_after(header, NOW) == seconds
