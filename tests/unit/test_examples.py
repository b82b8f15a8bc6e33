"""The examples for app developers, without running them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
import tree_sitter_kotlin
import tree_sitter_swift
from tree_sitter import Language, Parser

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
LANGUAGES: Final = {".kt": tree_sitter_kotlin.language, ".swift": tree_sitter_swift.language}
SOURCES: Final = sorted(
    path
    for path in EXAMPLES.glob("*/*")
    if path.suffix in {*LANGUAGES, ".html", ".js", ".py", ".ts"}
)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_source_of_an_example_is_short(source: Path) -> None:
    lines = source.read_text("utf-8").splitlines()

    assert len(lines) < 100
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    "source", [path for path in SOURCES if path.suffix in LANGUAGES], ids=lambda source: source.name
)
def test_an_example_that_ci_does_not_compile_has_no_syntax_error(source: Path) -> None:
    tree = Parser(Language(LANGUAGES[source.suffix]())).parse(source.read_bytes())

    assert not tree.root_node.has_error
