import pytest

from functions.ratings.api.cors import cors_headers

APP, WEBVIEW, OTHER = "https://app.example.com", "capacitor://localhost", "https://other.example"
EXPOSED = {"Access-Control-Expose-Headers": "Age, Cache-Status, Retry-After, X-Request-Id"}
EVERYONE = {"Access-Control-Allow-Origin": "*", **EXPOSED}
VARY = {"Vary": "Origin"}


@pytest.mark.parametrize(
    ("allowed", "origin", "headers"),
    [
        *((("*",), origin, EVERYONE) for origin in ((), (APP,), ("null",), (APP, OTHER))),
        *(((), origin, {}) for origin in ((), (APP,), ("null",))),
        *(
            ((APP, WEBVIEW), (each,), {"Access-Control-Allow-Origin": each, **EXPOSED, **VARY})
            for each in (APP, WEBVIEW)
        ),
        # Every response depends on the origin, even if the request has none.
        *(
            ((APP, WEBVIEW), origin, VARY)
            for origin in (
                (),
                (OTHER,),
                ("null",),
                ("",),
                ("*",),
                (f"{APP}.evil.example",),
                (f"{APP}:8443",),
                (APP.upper(),),
                (f"{APP}, {OTHER}",),
                (APP, WEBVIEW),
            )
        ),
    ],
)
def test_the_cors_headers_for_an_origin(
    allowed: tuple[str, ...], origin: tuple[str, ...], headers: dict[str, str]
) -> None:
    assert cors_headers(allowed, origin) == headers
