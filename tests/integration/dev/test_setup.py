"""Set-up repairs environments, installs pinned packages, and reports why it failed."""

from __future__ import annotations

import hashlib
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


def wheel(folder: Path, name: str) -> str:
    """Write a package of one empty module, and return its line for a lock file."""
    files = {
        f"{name}.py": "",
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        for part, text in files.items():
            file.writestr(part if part.endswith(".py") else f"{name}-1.0.dist-info/{part}", text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{name.replace('_', '-')}==1.0 --hash=sha256:{digest}\n"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module")
def environment(packages: Path) -> dict[str, str]:
    """Variables that hide uv, have hostile pip settings, and let pip use only a local folder."""
    source = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(packages)}
    return {**os.environ, **HOSTILE, **source, "PATH": str(packages)}


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], packages: Path
) -> Path:
    """A folder with a virtual environment into which set-up has installed two packages."""
    folder = tmp_path_factory.mktemp("made")
    lock = folder / "some.lock"
    marked = f"never==1.0 ; sys_platform == 'other' --hash=sha256:{'0' * 64}\n"
    lock.write_text(wheel(packages, "outer") + marked + wheel(packages, "an_inner"))
    venv = VirtualEnvironment(folder / "venv", environment)
    venv.repair(this_python=False)
    venv.install(lock)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of `made` that a test may damage; its stamp names the new path."""
    copy = tmp_path / "copy"
    shutil.copytree(made, copy, symlinks=True)
    stamp = copy / "venv" / "installed.json"
    stamp.write_text(stamp.read_text().replace(str(made), str(copy)))
    return copy / "venv"


def test_a_lock_file_is_installed_despite_hostile_pip_settings(made: Path) -> None:
    code = "import an_inner, outer, sys; print(outer.__file__.startswith(sys.prefix))"
    command = [str(made / "venv" / "bin" / "python"), "-c", code]

    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "True\n"  # noqa: S603 - made above


def test_a_second_run_installs_and_prints_nothing_unless_the_lock_file_changed(
    folder: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    lock = folder.parent / "some.lock"
    venv = VirtualEnvironment(folder, environment)
    venv.repair(this_python=True)
    venv.install(lock)
    assert capsys.readouterr().out == ""

    lock.write_text(f"# changed\n{lock.read_text()}")
    venv.install(lock)

    assert capsys.readouterr().out.count("Installing ") == 1


def test_a_package_with_a_wrong_hash_is_not_installed(
    folder: Path, environment: dict[str, str]
) -> None:
    lock = folder.parent / "other.lock"
    lock.write_text(f"outer==1.0 --hash=sha256:{'0' * 64}\n")
    shutil.rmtree(next(folder.glob("lib/python*/site-packages/outer-1.0.dist-info")))

    with pytest.raises(SetupError, match="THESE PACKAGES DO NOT MATCH THE HASHES"):
        VirtualEnvironment(folder, environment).install(lock)


@pytest.mark.parametrize(
    ("script", "fails"), [("", False), ("echo no index >&2; exit 1", True)], ids=["works", "fails"]
)
def test_uv_installs_if_available_and_pip_if_uv_fails(
    folder: Path,
    environment: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    script: str,
    fails: bool,
) -> None:
    lock = (folder.parent / "some.lock").rename(folder.parent / "new.lock")
    commands(tmp_path, uv=f'echo "$@" > {tmp_path}/uv.log; {script}')
    venv = VirtualEnvironment(folder, {**environment, "PATH": str(tmp_path)})

    venv.install(lock)

    arguments = f"pip install --python {folder}/bin/python --no-deps --require-hashes -r {lock}\n"
    assert (tmp_path / "uv.log").read_text() == arguments
    assert (
        "uv could not install the packages; trying pip:\n\nno index" in capsys.readouterr().out
    ) == fails


def python(version: str) -> str:
    """Return shell commands that replace Python with a script that prints this version."""
    script = rf"#!/bin/sh\necho {version}\n"
    return f"cd bin; rm python; printf '{script}' > python; chmod +x python"


@pytest.mark.parametrize(
    ("damage", "this_python", "reason"),
    [
        ("rm installed.json", False, "set-up did not create or finish it"),
        ("ln -fs gone bin/python", False, "its Python or its pip is missing"),
        ("rm -r lib/python*/site-packages/pip", False, "its Python or its pip is missing"),
        ("sed -i s/copy/original/ installed.json", False, "it was moved"),
        (python("3 10"), False, "its Python 3.10 is too old"),
        (python("3 99"), False, None),
        (python("3 99"), True, "its Python is 3.99"),
    ],
)
def test_damage_and_an_unsuitable_python_are_defects(
    folder: Path, damage: str, this_python: bool, reason: str | None
) -> None:
    subprocess.run(damage, shell=True, cwd=folder, check=True)  # noqa: S602 - the commands above

    venv = VirtualEnvironment(folder, os.environ)
    assert venv.defect(this_python=this_python) == reason


@pytest.mark.long
def test_an_unusable_environment_is_rebuilt(
    folder: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bin" / "python").unlink()
    venv = VirtualEnvironment(folder, environment)

    venv.repair(this_python=False)

    assert venv.defect(this_python=True) is None
    assert "Rebuilding (its Python or its pip is missing)" in capsys.readouterr().out
    assert "outer==1.0" not in (folder / "installed.json").read_text()


def test_an_environment_behind_a_link_is_not_cleared(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "file").touch()
    (tmp_path / "venv").symlink_to(shared)

    with pytest.raises(SetupError, match=r"is a link to .*/shared, .*: remove the link"):
        VirtualEnvironment(tmp_path / "venv", environment).repair(this_python=False)

    assert (shared / "file").exists()


def test_the_error_of_pip_is_shown_and_no_stamp_is_written(
    folder: Path, environment: dict[str, str]
) -> None:
    lock = folder.parent / "missing.lock"
    lock.write_text(f"no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    venv = VirtualEnvironment(folder, environment)

    with pytest.raises(SetupError, match="No matching distribution found for no-such-package"):
        venv.install(lock)

    assert "missing.lock" not in (folder / "installed.json").read_text()


def test_a_package_installed_outside_the_environment_is_reported_and_no_stamp_is_written(
    folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    shutil.rmtree(next(folder.glob("lib/python*/site-packages/an_inner-1.0.dist-info")))
    lock = (folder.parent / "some.lock").rename(folder.parent / "elsewhere.lock")
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[install]\ntarget = {tmp_path / 'target'}\n")
    venv = VirtualEnvironment(folder, {**environment, "PIP_CONFIG_FILE": str(configuration)})

    with pytest.raises(SetupError, match=r"but an-inner==1\.0 is not in"):
        venv.install(lock)

    assert "elsewhere.lock" not in (folder / "installed.json").read_text()


def commands(folder: Path, **scripts: str) -> None:
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("scripts", "reason"),
    [
        ({}, "node is not installed"),
        ({"node": "echo v22.1.0"}, "npm is not installed"),
        ({"node": "echo v16.20.2", "npm": ""}, "this is Node.js v16.20.2"),
        ({"node": "exit 127", "npm": ""}, r"this is Node.js \(unknown\)"),
    ],
)
def test_without_npm_or_with_an_old_node_nothing_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripts: dict[str, str], reason: str
) -> None:
    commands(tmp_path, **scripts)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=reason):
        check_node()

    status = setup.main([str(tmp_path / "venv"), "some.lock", "--node"], os.environ)

    assert status == 1
    assert not (tmp_path / "venv").exists()


@pytest.fixture
def npm_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, which has a lock file of npm and comes first on the PATH."""
    (tmp_path / "package-lock.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path


def test_the_cdk_is_installed_once_even_if_node_env_is_production(npm_project: Path) -> None:
    # Without --include=dev, npm skips development packages if NODE_ENV=production.
    commands(
        npm_project,
        npm='echo "$@" >> npm.log; case "$*" in *--include=dev*) mkdir -p node_modules/.bin; '
        "touch node_modules/.bin/cdk;; esac",
    )

    for _ in range(2):
        install_cdk({**os.environ, "NODE_ENV": "production"})

    assert (npm_project / "npm.log").read_text().count("\n") == 1


def test_the_error_of_npm_is_shown_and_no_stamp_is_written(npm_project: Path) -> None:
    commands(npm_project, npm="echo no network >&2; mkdir -p node_modules; exit 1")

    with pytest.raises(SetupError, match="no network"):
        install_cdk(os.environ)

    assert list((npm_project / "node_modules").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_reported_in_one_line_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")

    status = setup.main([str(tmp_path / "file" / "venv"), "some.lock"], os.environ)

    output = capsys.readouterr().err
    assert (status, output.count("\n")) == (1, 1)
    assert "file/venv (Not a directory): copy the project to a folder in which you may" in output


def test_an_old_python_is_rejected_and_its_path_and_version_are_shown(tmp_path: Path) -> None:
    commands(tmp_path, old="case $1 in --version) echo Python 3.10.13;; *) exit 1;; esac")
    command = ["make", "--no-print-directory", "unit", f"PYTHON={tmp_path / 'old'}"]

    rejected = subprocess.run(  # noqa: S603 - no part comes from outside
        command, cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert rejected.returncode != 0
    assert f"{tmp_path / 'old'} --version prints: Python 3.10.13" in rejected.stdout
    assert "Creating" not in rejected.stdout


def test_setup_runs_on_this_python_without_any_package() -> None:
    command = [sys.executable, "-S", "-m", "dev.setup", "--help"]

    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, check=False)  # noqa: S603 - as above

    assert ended.returncode == 0
