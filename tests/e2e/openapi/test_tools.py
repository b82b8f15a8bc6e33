"""docs/openapi.yaml in public tools: rulesets, and generators of clients."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.running_service import PROJECT, RunningService, environment
from tests.patience import SAFETY_NET_SECONDS

CONTRACT: Final = PROJECT / "docs" / "openapi.yaml"
PAGE: Final = PROJECT / "docs" / "generated-clients.md"
NODE_TOOLS: Final = Path(__file__).with_name("node_modules") / ".bin"
TYPESCRIPT: Final = PROJECT / "examples" / "typescript" / "node_modules" / ".bin"

SOURCES: Final = {
    "typescript-fetch": ("apis/*.ts", "models/*.ts"),
    "swift6": ("**/APIs/*.swift", "**/Models/*.swift"),
    "kotlin": ("src/main/**/apis/*.kt", "src/main/**/models/*.kt"),
    "dart": ("lib/api/*.dart", "lib/model/*.dart"),
    "python": ("openapi_client/api/*.py", "openapi_client/models/*.py"),
}
MODELS: Final = {
    *("ApiError", "ErrorSource", "ErrorsResponse", "Rating", "RatingAttributes", "RatingRequest"),
    *("DeveloperToken", "RatingResponse", "RatingType", "RatingsResponse"),
}
DECLARATIONS: Final = {
    "typescript-fetch": (
        *("    value: number;", "    data: Array<Rating>;", "    errors: Array<ApiError>;"),
        *("    code: string;", "    libraryMusicVideos: 'library-music-videos',"),
        "async getRating(requestParameters: GetRatingRequest, ",
        "runtime.InitOverrideFunction): Promise<RatingResponse> {",
    ),
    "swift6": (
        *("public var value: Int\n", "public var data: [Rating]\n"),
        *("public var errors: [ApiError]\n", "public var code: String\n"),
        'case libraryMusicVideos = "library-music-videos"',
        "func getRating(type: RatingType, id: String, ",
        "async throws(ErrorResponse) -> RatingResponse {",
    ),
    "kotlin": (
        *("val `value`: kotlin.Int\n", "val `data`: kotlin.collections.List<Rating>\n"),
        *("val errors: kotlin.collections.List<ApiError>\n", "val code: kotlin.String,\n"),
        'libraryMusicVideos("library-music-videos")',
        "fun getRating(type: RatingType, id: kotlin.String, ",
        "extend: kotlin.String? = null) : RatingResponse {",
    ),
    "dart": (
        *("  int value;", "  List<Rating> data;", "  List<ApiError> errors;", "  String code;"),
        "libraryMusicVideos._(r'library-music-videos')",
        "Future<RatingResponse?> getRating(RatingType type, String id, ",
    ),
    "python": (
        *("    value: Annotated[int, ", "    data: Annotated[List[Rating], "),
        *("    errors: Annotated[List[ApiError], ", "    code: Annotated[str, "),
        *("    libraryMusicVideos = 'library-music-videos'", "    def get_rating(\n"),
    ),
}
UNREADABLE: Final = re.compile(
    r"\b_1\b|number1|numberNegative|Minus|Inline|Inner|ModelType|DefaultApi|DefaultAPI"
    r"|any \| null|JSONValue\?\n|kotlin\.Any\?,?\n"
)


def run(*command: str | Path, cwd: Path) -> str:
    """Run a tool that must succeed, and return its output."""
    path = f"{NODE_TOOLS}:{TYPESCRIPT}:{os.environ['PATH']}"
    offline = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    ended = subprocess.run(  # noqa: S603 - no part comes from outside
        command,
        cwd=cwd,
        env=environment({"PATH": path, **offline}),
        capture_output=True,
        text=True,
        timeout=SAFETY_NET_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-4000:]
    return ended.stdout


@pytest.fixture(scope="module")
def node_tools() -> None:
    if not NODE_TOOLS.exists():
        pytest.skip("The contract's tools are not installed: make test-long installs them")


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with each generator's client; all options but one are the defaults."""
    package = importlib.util.find_spec("openapi_generator_cli")
    if package is None or package.origin is None:
        pytest.skip("openapi-generator is not installed: make test-long installs it")
    java = shutil.which("java")
    if java is None:
        pytest.skip("Java is not installed (Debian: apt-get install default-jre-headless)")
    folder = tmp_path_factory.mktemp("clients")
    for generator in SOURCES:
        configuration: dict[str, object] = {
            "inputSpec": str(CONTRACT),
            "generatorName": generator,
            "outputDir": str(folder / generator),
        }
        if generator == "typescript-fetch":  # node needs the files' whole names
            configuration["additionalProperties"] = {"importFileExtension": ".js"}
        (folder / f"{generator}.json").write_text(json.dumps(configuration), "utf-8")
    jar = Path(package.origin).with_name("openapi-generator.jar")
    # This halves the processor time: the run is too short for the optimising compiler.
    faster = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
    run(java, *faster, "-jar", jar, "batch", *sorted(folder.glob("*.json")), cwd=folder)
    return folder


def sources(clients: Path, generator: str) -> Iterator[Path]:
    for pattern in SOURCES[generator]:
        yield from (clients / generator).glob(pattern)


@pytest.mark.long
@pytest.mark.usefixtures("node_tools")
@pytest.mark.parametrize(
    "command",
    [
        ("redocly", "lint", "--extends=recommended-strict"),
        ("spectral", "lint", "--ruleset=ruleset.json", "--fail-severity=hint"),
    ],
    ids=lambda command: command[0],
)
def test_the_contract_passes_a_recommended_ruleset_without_exceptions(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "ruleset.json").write_text('{"extends": ["spectral:oas"]}', "utf-8")
    run(*command, CONTRACT, cwd=tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("generator", SOURCES)
def test_a_generated_client_has_typed_fields_and_readable_names(
    clients: Path, generator: str
) -> None:
    code = "".join(file.read_text("utf-8") for file in sources(clients, generator))

    models = {file.stem.replace("_", "").lower() for file in sources(clients, generator)}
    assert {model.lower() for model in MODELS} == models - {
        "index",
        "init",
        "ratingsapi",
        "signinapi",
    }
    assert [each for each in DECLARATIONS[generator] if each not in code] == []
    assert UNREADABLE.findall(code) == []


@pytest.mark.long
@pytest.mark.parametrize("generator", SOURCES)
def test_every_name_on_the_page_of_generated_clients_is_in_the_generated_client(
    clients: Path, generator: str
) -> None:
    rows = re.findall(rf"^\| `{generator}` \|(.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    files = (file for file in (clients / generator).rglob("*") if file.is_file())
    code = "".join(file.read_text("utf-8", errors="replace") for file in files)

    spans = re.findall(r"`([^`]+)`", "".join(rows))
    named = {name for span in spans for name in re.findall(r"\w+", span)}
    assert len(named) > 10
    assert [name for name in sorted(named) if not re.search(rf"\b{name}\b", code)] == []


@pytest.mark.long
@pytest.mark.usefixtures("node_tools")
def test_an_app_on_the_generated_typescript_client_reads_and_writes_ratings(
    clients: Path, service: RunningService
) -> None:
    shutil.copy(Path(__file__).with_name("app.ts"), clients)
    (clients / "package.json").write_text('{"type": "module"}', "utf-8")
    run("tsc", "--strict", "--target", "es2022", "--module", "nodenext", "app.ts", cwd=clients)
    seen = json.loads(run("node", "app.js", service.url, "sample-user-token-ada", cwd=clients))

    assert (seen["like"], seen["dislike"]) == (1, -1)
    assert seen["get"] == {
        "id": "i.generatedClient",
        "type": "ratings",
        "href": "/v1/me/ratings/library-songs/i.generatedClient",
        "attributes": {"value": -1},
    }
    assert seen["list"] == [["i.7PJNN4mfXlD68R", 1], ["i.generatedClient", -1]]
    assert "unlike" not in seen, "deleteRating must return undefined, which JSON omits"
    assert (seen["notRated"]["status"], seen["notRated"]["code"]) == ("404", "40400")
    assert (seen["invalid"]["code"], seen["invalid"]["source"]) == (
        "40091",
        {"pointer": "/attributes/value"},
    )
