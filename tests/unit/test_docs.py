"""The project's pages match the code and each other."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.sign_in.errors import SignInError
from infra.service.gateway_errors import GATEWAY_ERRORS
from ops.commands import cli
from tests.contracts.errors import ERRORS

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
PAGES = [
    *PROJECT.glob("*.md"),
    *DOCS.rglob("*.md"),
    *(PROJECT / ".github").rglob("*.md"),
    *(PROJECT / "examples").glob("*/*.md"),
    PROJECT / "tests" / "README.md",
]
of_each_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: str(page.relative_to(PROJECT))
)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code(page: Path) -> Iterator[str]:
    """Yield the code of a page: blocks, and spans in the text."""
    yield from re.findall(r"```.*?```|`[^`\n]+`", page.read_text("utf-8"), re.DOTALL)


@of_each_page
def test_every_link_leads_to_a_file_and_every_anchor_to_a_heading(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]*)(?:#([^)]+))?\)", page.read_text("utf-8"))
    for path, anchor in links:
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


# Decisions also name files of the past.
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.parent.name != "decisions"],
    ids=lambda page: str(page.relative_to(PROJECT)),
)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    folders = "bench|dev|docs|examples|functions|infra|ops|tests"
    for path in re.findall(rf"`((?:{folders})/[\w/]*[\w.]*\w)`", page.read_text("utf-8")):
        assert (PROJECT / path).exists() or (PROJECT / "tests" / path).exists(), path


def test_pages_for_operators_and_engineers_name_only_errors_that_exist() -> None:
    sources = "".join(file.read_text("utf-8") for file in (PROJECT / "functions").rglob("*.py"))
    for name in ("architecture", "operations", "reliability", "rotation", "runbook"):
        page = (DOCS / f"{name}.md").read_text("utf-8")
        named = set(re.findall(r"`([A-Z]\w+Error)`", page))
        assert {error for error in named if f"class {error}(" not in sources} == set()


@of_each_page
def test_every_make_command_on_a_page_has_a_target(page: Path) -> None:
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", makefile, re.MULTILINE))

    for text in code(page):
        assert set(re.findall(r"\bmake (?:--\S+ )*([a-z][a-z0-9-]*)", text)) <= targets


@of_each_page
def test_every_operators_command_on_a_page_has_valid_options(page: Path) -> None:
    for text in code(page):
        for line in re.findall(r'(?:\bmake ops ARGS="|-m ops )([^"`\n…]+)["`\n]', text):
            target, *arguments = shlex.split(line)
            if target == "--stage":
                arguments.pop(0)
            if target != "--help":
                assert target in ("--stage", "--local"), line
                name, *rest = arguments
                cli.commands[name].make_context(name, rest)


@of_each_page
def test_a_page_has_at_most_250_lines_without_generated_tables(page: Path) -> None:
    text = page.read_text("utf-8")
    written = re.sub(r"<!-- \w+, generated: .* -->\n(\|.*\n)+", "", text)
    assert len(written.splitlines()) <= 250


def test_the_page_of_errors_lists_exactly_the_errors_that_exist() -> None:
    page = (DOCS / "errors.md").read_text("utf-8")
    listed = re.findall(r"^\| (\d{3}) \| `(\d{5})` \| ([^|]+) \|", page, re.MULTILINE)

    ours = {(str(error.status), error.code, error.title) for error in ERRORS}
    ours |= {(str(each.status), each.code, each.title) for each in SignInError.__subclasses__()}
    gateway = {(str(error.status), error.code, error.title) for error in GATEWAY_ERRORS.values()}

    assert len(listed) == len(set(listed))
    assert {(status, code, title.strip()) for status, code, title in listed} == ours | gateway


def test_the_code_on_the_page_for_app_developers_is_in_the_examples() -> None:
    page = (DOCS / "apps.md").read_text("utf-8")
    sources = [path.read_text("utf-8") for path in (PROJECT / "examples").glob("*/*.*")]

    blocks = re.findall(r"From\s\[.*?```\w+\n(.*?)^```", page, re.MULTILINE | re.DOTALL)

    assert len(blocks) == 4
    assert [block for block in blocks if not any(block in source for source in sources)] == []


@pytest.mark.parametrize(("name", "least"), [("security.md", 20), ("compatibility.md", 12)])
def test_the_tests_that_a_page_names_exist(name: str, least: int) -> None:
    page = (DOCS / name).read_text("utf-8")
    tests = "".join(file.read_text("utf-8") for file in DOCS.with_name("tests").rglob("*.py"))

    named = set(re.findall(r"`(test_\w+)`", page))

    assert len(named) > least
    assert {name for name in named if f"def {name}(" not in tests} == set()
