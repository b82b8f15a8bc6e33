"""Set-up repairs what is broken, installs what is pinned, and says why it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dev import setup
from dev.setup import SetupError, VirtualEnvironment, check_node, install_cdk

PROJECT = Path(__file__).resolve().parents[3]
HOSTILE = {
    "PIP_USER": "1",
    "PIP_TARGET": "/nowhere",
    "PIP_PREFIX": "/nowhere",
    "PIP_NO_DEPS": "1",
    "PIP_REQUIRE_HASHES": "1",
}


def wheel(folder: Path, name: str, *requires: str) -> None:
    """Write a package of one empty module."""
    info = f"{name}-1.0.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", "")
        file.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}"
        )
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """This process's environment, with pip's packages in a folder and its settings hostile."""
    packages = tmp_path_factory.mktemp("packages")
    wheel(packages, "outer", "inner")
    wheel(packages, "inner")
    return {**os.environ, **HOSTILE, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(packages)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """A virtual environment as set-up makes it, with `outer` installed."""
    folder = tmp_path_factory.mktemp("made")
    requirements = folder / "requirements.txt"
    requirements.write_text("outer==1.0\n")
    venv = VirtualEnvironment(folder / "venv", environment)
    venv.repair(this_python=False)
    venv.install(requirements, no_deps=False)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of that, to break, at a place that its stamp names."""
    copy = tmp_path / "copy"
    shutil.copytree(made, copy, symlinks=True)
    stamp = copy / "venv" / "installed.json"
    stamp.write_text(stamp.read_text().replace(str(made), str(copy)))
    return copy / "venv"


def defect(folder: Path, *, this_python: bool = False) -> str | None:
    return VirtualEnvironment(folder, os.environ).defect(this_python=this_python)


def test_what_is_pinned_is_installed_with_what_it_needs_whatever_pips_settings_are(
    made: Path,
) -> None:
    code = "import inner, outer, sys; print(outer.__file__.startswith(sys.prefix))"
    command = [str(made / "venv" / "bin" / "python"), "-c", code]

    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "True\n"  # noqa: S603 - made above


def test_a_second_time_nothing_is_done_or_said(
    folder: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    venv = VirtualEnvironment(folder, environment)
    venv.repair(this_python=False)
    venv.install(folder.parent / "requirements.txt", no_deps=False)

    assert capsys.readouterr().out == ""


def test_a_changed_pin_or_included_file_is_installed_anew(
    folder: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    included, requirements = folder.parent / "more.txt", folder.parent / "requirements.txt"
    included.write_text("inner==1.0\n")
    requirements.write_text("-r more.txt\nouter==1.0\n")
    venv = VirtualEnvironment(folder, environment)
    venv.install(requirements, no_deps=False)
    included.write_text("inner==1.0  # changed\n")

    venv.install(requirements, no_deps=False)

    assert capsys.readouterr().out.count("Installing ") == 2


def test_a_sound_environment_is_kept(folder: Path) -> None:
    assert defect(folder) is None
    assert defect(folder, this_python=True) is None


def test_one_that_another_tool_made_is_not_kept(folder: Path) -> None:
    (folder / "installed.json").unlink()

    assert defect(folder) == "it is not set-up's own, or unfinished"


def test_one_that_was_moved_is_not_kept(folder: Path) -> None:
    moved = folder.with_name("moved")
    folder.rename(moved)

    assert defect(moved) == "it was moved"


def test_one_whose_interpreter_is_gone_is_not_kept(folder: Path) -> None:
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to(folder / "gone")

    assert defect(folder) == "its Python or its pip is gone"


def test_one_without_pip_is_not_kept(folder: Path) -> None:
    for pip in folder.glob("lib/python*/site-packages/pip"):
        shutil.rmtree(pip)

    assert defect(folder) == "its Python or its pip is gone"


def test_one_of_an_old_python_is_not_kept_and_one_of_another_only_unless_named(
    folder: Path,
) -> None:
    def python(version: str) -> None:
        (folder / "bin" / "python").unlink()
        (folder / "bin" / "python").write_text(f"#!/bin/sh\necho {version}\n")
        (folder / "bin" / "python").chmod(0o755)

    python("3 10")
    assert defect(folder) == "its Python 3.10 is too old"
    python("3 99")
    assert defect(folder) is None
    assert defect(folder, this_python=True) == "its Python is 3.99"


def test_what_is_not_kept_is_made_anew(
    folder: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bin" / "python").unlink()
    venv = VirtualEnvironment(folder, environment)

    venv.repair(this_python=False)

    assert venv.defect(this_python=True) is None
    assert "Rebuilding (its Python or its pip is gone)" in capsys.readouterr().out
    assert "outer==1.0" not in (folder / "installed.json").read_text()


def test_a_failing_pip_is_quoted_and_leaves_no_stamp(
    folder: Path, environment: dict[str, str]
) -> None:
    requirements = folder.parent / "missing.txt"
    requirements.write_text("no-such-package==1.0\n")
    venv = VirtualEnvironment(folder, environment)

    with pytest.raises(SetupError, match="No matching distribution found for no-such-package"):
        venv.install(requirements, no_deps=False)

    assert "missing.txt" not in (folder / "installed.json").read_text()


def test_what_pip_put_elsewhere_leaves_no_stamp(
    folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    shutil.rmtree(next(folder.glob("lib/python*/site-packages/inner-1.0.dist-info")))
    requirements = folder.parent / "elsewhere.txt"
    requirements.write_text("inner==1.0\n")
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[install]\ntarget = {tmp_path / 'target'}\n")
    venv = VirtualEnvironment(folder, {**environment, "PIP_CONFIG_FILE": str(configuration)})

    with pytest.raises(SetupError, match=r"inner==1\.0 is not in"):
        venv.install(requirements, no_deps=False)

    assert "elsewhere.txt" not in (folder / "installed.json").read_text()


def commands(folder: Path, **scripts: str) -> None:
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("scripts", "reason"),
    [
        ({}, "there is no node here"),
        ({"node": "echo v22.1.0"}, "there is no npm here"),
        ({"node": "echo v16.20.2", "npm": ""}, "this is Node.js v16.20.2"),
        ({"node": "exit 127", "npm": ""}, "this is Node.js of no version"),
    ],
)
def test_without_npm_or_with_an_old_node_nothing_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripts: dict[str, str], reason: str
) -> None:
    commands(tmp_path, **scripts)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=reason):
        check_node()

    status = setup.main([str(tmp_path / "venv"), "requirements.txt", "--node"], os.environ)

    assert status == 1
    assert not (tmp_path / "venv").exists()


def test_the_cdk_is_installed_whatever_node_env_says_and_a_second_time_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # npm leaves out what is for development where NODE_ENV is production, but for this option.
    commands(
        tmp_path,
        npm='echo "$@" >> npm.log; case "$*" in *--include=dev*) mkdir -p node_modules/.bin; '
        "touch node_modules/.bin/cdk;; esac",
    )
    (tmp_path / "package-lock.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    environment = {**os.environ, "NODE_ENV": "production"}

    install_cdk(environment)
    install_cdk(environment)

    assert (tmp_path / "npm.log").read_text().count("\n") == 1


def test_a_failing_npm_is_quoted_and_leaves_no_stamp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands(tmp_path, npm="echo no network >&2; mkdir -p node_modules; exit 1")
    (tmp_path / "package-lock.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    with pytest.raises(SetupError, match="no network"):
        install_cdk(os.environ)

    assert list((tmp_path / "node_modules").iterdir()) == []


def test_an_old_python_is_refused_by_its_name(tmp_path: Path) -> None:
    commands(tmp_path, old="case $1 in --version) echo Python 3.10.13;; *) exit 1;; esac")
    command = ["make", "--no-print-directory", "unit", f"PYTHON={tmp_path / 'old'}"]

    refused = subprocess.run(  # noqa: S603 - nothing of it comes from outside
        command, cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert refused.returncode != 0
    assert f"{tmp_path / 'old'} is not: Python 3.10.13" in refused.stdout
    assert "Making" not in refused.stdout


def test_it_runs_on_this_python_without_any_package() -> None:
    command = [sys.executable, "-S", "-m", "dev.setup", "--help"]

    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, check=False)  # noqa: S603 - as above

    assert ended.returncode == 0
