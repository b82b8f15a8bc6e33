from pathlib import Path

import pytest

from dev import prose

PROJECT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It is fresh, whoever calls.", [(1, "whoever")]),
        ("A page.\n\nA response with 500 is no\nerror.\n", [(3, "is no error")]),
        ("# A comment about the stale copy at\n# hand\n", [(1, "at hand")]),
        ('log(\n    "The cache stands "\n    f"in for Apple."\n)', [(2, "stands in")]),
        ("def test_a_pool_of_its_own() -> None: ...", [(1, "of its own")]),
        ("We were told. Ask Apple, mend it.", [(1, "were told"), (1, "ask apple"), (1, "mend")]),
        ("There is no rating. It is no longer cached, and `amended` is one word.", []),
    ],
)
def test_phrases_are_found_across_lines_quotes_and_underscores(
    text: str, found: list[tuple[int, str]]
) -> None:
    assert [(line, phrase) for line, phrase, _ in prose.findings(text)] == found


def test_the_command_fails_for_a_finding_unless_its_file_is_an_exception(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    this = str(Path(__file__).relative_to(PROJECT))

    assert prose.main([__file__]) == 0
    monkeypatch.setattr(prose, "EXCEPTIONS", {})
    assert prose.main([__file__]) == 1

    assert f'{this}:13: "whoever": write the person' in capsys.readouterr().out


def test_every_kind_of_text_is_searched_but_not_what_others_wrote() -> None:
    found = {str(path.relative_to(PROJECT)) for path in prose.files(PROJECT)}

    assert found >= {".ci/run", "Makefile", "README.md", "docs/openapi.yaml", "ops/drill.sh"}
    assert found >= {"functions/ratings/errors.py", "requirements-dev.txt", "pyproject.toml"}
    assert not [name for name in found if "node_modules" in name or name.endswith(".lock")]
