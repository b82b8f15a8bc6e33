"""Leaves out of a bundle what botocore brings along for AWS services that are never called.

The models of all services are most of botocore by size, and are looked through whenever it makes a
client. The certificates of all authorities are loaded again for each connection.
"""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

AMAZON_ROOTS: Final = frozenset(
    {
        *(f"Amazon Root CA {number}" for number in range(1, 5)),
        "Starfield Services Root Certificate Authority - G2",
    }
)
"""The authorities of AWS's own endpoints: https://www.amazontrust.com/repository/"""

_LABELLED: Final = re.compile(
    r'^# Label: "(?P<label>[^"]+)"\n.*?(?P<certificate>-----BEGIN CERTIFICATE-----\n.*?'
    r"-----END CERTIFICATE-----\n)",
    re.MULTILINE | re.DOTALL,
)


def keep_amazons_roots(certificates: Path) -> None:
    """Leave in `certificates`, which is botocore's `cacert.pem`, Amazon's own alone.

    Raises:
        ValueError: where one of them is not there.
    """
    labelled = {
        found["label"]: found["certificate"]
        for found in _LABELLED.finditer(certificates.read_text("utf-8"))
    }
    if missing := AMAZON_ROOTS - labelled.keys():
        raise ValueError(f"{certificates} lacks {', '.join(sorted(missing))}")
    certificates.write_text("".join(labelled[label] for label in sorted(AMAZON_ROOTS)), "utf-8")


def keep_services(data: Path, services: Collection[str]) -> None:
    """Leave in `data`, which is botocore's folder of that name, what makes clients of `services`.

    Raises:
        FileNotFoundError: where botocore keeps them otherwise than is known here.
    """
    for service in services:
        if not any(data.glob(f"{service}/*/service-2.json*")):
            raise FileNotFoundError(f"no model of {service} in {data}")
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in services:
            shutil.rmtree(folder)
    endpoints = data / "endpoints.json"
    document = json.loads(endpoints.read_text("utf-8"))
    endpoints.write_text(json.dumps(_only(document, services), separators=(",", ":")), "utf-8")


def _only(endpoints: dict[str, Any], services: Collection[str]) -> dict[str, Any]:
    """Keep every partition and region, with the endpoints of these services alone."""
    return {
        **endpoints,
        "partitions": [
            {
                **partition,
                "services": {
                    name: service
                    for name, service in partition["services"].items()
                    if name in services
                },
            }
            for partition in endpoints["partitions"]
        ],
    }
