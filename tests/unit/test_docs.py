"""The tables in docs/ against the code that they describe."""

import re
from pathlib import Path

from functions.ratings.errors import HTTP_ERRORS
from infra.gateway_errors import GATEWAY_ERRORS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_errors_lists_every_one_and_no_other() -> None:
    page = (DOCS / "errors.md").read_text("utf-8")
    listed = re.findall(r"^\| (\d{3}) \| `(\d{5})` \| ([^|]+) \|", page, re.MULTILINE)

    told = {(str(error.status), error.code, error.title) for error in HTTP_ERRORS.values()}
    gateway = {(str(error.status), error.code, error.title) for error in GATEWAY_ERRORS.values()}

    assert len(listed) == len(set(listed))
    assert {(status, code, title.strip()) for status, code, title in listed} == told | gateway


def test_the_tests_that_the_page_on_security_names_are_there() -> None:
    page = (DOCS / "security.md").read_text("utf-8")
    tests = "".join(file.read_text("utf-8") for file in DOCS.with_name("tests").rglob("test_*.py"))

    named = set(re.findall(r"`(test_\w+)`", page))

    assert len(named) > 20
    assert {name for name in named if f"def {name}(" not in tests} == set()
