"""docs/openapi.yaml matches the code."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from functions.ratings.api.routes import Routes
from functions.ratings.api.validation import (
    query_options,
    rating_key,
    rating_keys,
    rating_value,
)
from functions.ratings.errors import InternalError, RatingsError, RouteNotFoundError
from functions.ratings.models import RATING_TYPES, QueryOptions
from functions.sign_in.errors import SignInError
from infra.service.gateway_errors import GATEWAY_ERRORS, GatewayError
from tests.contracts.errors import ERRORS

SIGN_IN_PATH = "/developer-token"
PAGE = Path(__file__).parents[2] / "docs" / "openapi.yaml"
CONTRACT: dict[str, Any] = yaml.safe_load(PAGE.read_text("utf-8"))
COMPONENTS = CONTRACT["components"]
OPERATIONS = [
    (path, method.upper(), operation)
    for path, item in CONTRACT["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
]


def validator(schema: dict[str, Any]) -> OAS31Validator:
    contract = Resource.from_contents(CONTRACT, default_specification=DRAFT202012)
    whole = {**schema, "components": COMPONENTS}
    return OAS31Validator(whole, registry=Registry().with_resource("", contract))


def examples() -> Iterator[tuple[str, dict[str, Any], Any]]:
    bodies = dict(COMPONENTS["responses"])
    bodies["put"] = CONTRACT["paths"]["/v1/me/ratings/{type}/{id}"]["put"]["requestBody"]
    for name, body in bodies.items():
        content = body["content"]["application/json"]
        for example, given in content["examples"].items():
            yield f"{name}: {example}", content["schema"], given["value"]


def test_the_contract_is_valid_openapi() -> None:
    validate(CONTRACT)


def test_the_contract_and_the_routes_have_the_same_operations() -> None:
    routes = Routes(read=cast("Any", None), write=cast("Any", None))

    ratings = {(path, method) for path, method, _ in OPERATIONS} - {(SIGN_IN_PATH, "GET")}
    # A separate HEAD would only make generated clients larger.
    assert ratings == {(path, method) for path, method in routes.operations if method != "HEAD"}


def test_the_contract_and_the_code_have_the_same_types_and_ids() -> None:
    id_patterns = {rating_type.id_pattern.pattern for rating_type in RATING_TYPES.values()}

    types = COMPONENTS["schemas"]["RatingType"]
    assert types["enum"] == sorted(RATING_TYPES)
    camel_case = [re.sub("-(.)", lambda dash: dash[1].upper(), name) for name in types["enum"]]
    assert types["x-enum-varnames"] == camel_case
    item_id = COMPONENTS["schemas"]["ItemId"]["pattern"]
    union = item_id.removeprefix("^(").removesuffix(")$").split("|")

    assert id_patterns == {
        pattern.replace("[ilp]", letter) for pattern in union for letter in "ilp"
    }


def described(
    *errors: type[RatingsError] | type[SignInError] | GatewayError,
) -> set[tuple[str, str, str, str]]:
    return {(str(error.status), error.code, error.title, error.detail) for error in errors}


def test_the_examples_are_exactly_the_errors_of_each_operation() -> None:
    gateway = described(*GATEWAY_ERRORS.values())
    ratings = gateway | described(*ERRORS)
    no_route = described(RouteNotFoundError)
    sign_in = gateway - no_route | described(InternalError, *SignInError.__subclasses__())

    for path, _, operation in OPERATIONS:
        shown = set()
        for status, response in operation["responses"].items():
            if status >= "400":
                body = COMPONENTS["responses"][response["$ref"].rpartition("/")[2]]
                for example in body["content"]["application/json"]["examples"].values():
                    (error,) = example["value"]["errors"]
                    assert (error["status"], example["summary"]) == (status, error["title"])
                    shown.add((status, error["code"], error["title"], error["detail"]))
        assert shown == (sign_in if path == SIGN_IN_PATH else ratings)


@pytest.mark.parametrize(
    ("schema", "value"), [pytest.param(*rest, id=name) for name, *rest in examples()]
)
def test_every_example_matches_its_schema(schema: dict[str, Any], value: Any) -> None:
    validator(schema).validate(value)


@pytest.mark.parametrize("value", [0, 2, "1", None])
def test_the_schema_of_a_rating_request_rejects_invalid_values(value: object) -> None:
    schema = COMPONENTS["schemas"]["RatingRequest"]

    assert not validator(schema).is_valid({"type": "rating", "attributes": {"value": value}})


def test_the_code_accepts_the_examples_of_requests() -> None:
    parameters = {name: given["example"] for name, given in COMPONENTS["parameters"].items()}
    put = CONTRACT["paths"]["/v1/me/ratings/{type}/{id}"]["put"]["requestBody"]

    rating_key(parameters["type"], parameters["id"])
    assert len(rating_keys(parameters["type"], {"ids": [",".join(parameters["ids"])]})) == 2
    assert query_options({name: [parameters[name]] for name in ("l", "include", "extend")}) == (
        QueryOptions(language="en-GB", include="content", extend="artistUrl")
    )
    values = [
        rating_value(json.dumps(example["value"]).encode())
        for example in put["content"]["application/json"]["examples"].values()
    ]
    assert values == [1, -1]
