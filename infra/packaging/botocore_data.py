"""Reduces a bundled botocore to the data that its function needs.

The models of AWS services are most of botocore's size, and every new client searches through them:
only the models of the services that the function calls remain. Every connection loads all
certificates of `cacert.pem`: only Amazon's root certificates remain.
"""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Final

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


def keep_amazon_roots(certificates: Path) -> None:
    """Reduce botocore's `cacert.pem` to Amazon's own authorities.

    Raises:
        ValueError: if one of these authorities is missing.
    """
    labelled = {
        found["label"]: found["certificate"]
        for found in _LABELLED.finditer(certificates.read_text("utf-8"))
    }
    if missing := AMAZON_ROOTS - labelled.keys():
        raise ValueError(f"{certificates} lacks {', '.join(sorted(missing))}")
    certificates.write_text("".join(labelled[label] for label in sorted(AMAZON_ROOTS)), "utf-8")


def keep_services(data: Path, services: Collection[str]) -> None:
    """Reduce botocore's folder `data` to the data that clients of `services` need.

    Every partition and region stays.

    Raises:
        FileNotFoundError: if botocore has another layout than expected.
    """
    for service in services:
        if not any(data.glob(f"{service}/*/service-2.json*")):
            raise FileNotFoundError(f"no model of {service} in {data}")
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in services:
            shutil.rmtree(folder)
    endpoints = data / "endpoints.json"
    document = json.loads(endpoints.read_text("utf-8"))
    for partition in document["partitions"]:
        kept = partition["services"].keys() & set(services)
        partition["services"] = {name: partition["services"][name] for name in sorted(kept)}
    endpoints.write_text(json.dumps(document, separators=(",", ":")), "utf-8")
