"""`python -m dev.server.reference FOLDER [URL]`: the API reference as files, for `make reference`.

Without the URL of a deployed API, the page has no requests to try.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from dev.server.reference.page import reference_files


def main(folder: Path, server_url: str = "") -> int:
    """Delete `folder`, and write the reference in its place; return the exit status."""
    try:
        files = reference_files(server_url=server_url)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sys.stdout.write(f"The API reference is {folder / 'index.html'}; publish the whole folder.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
