"""Certificates for the canned servers, and the roots by which the contestants trust them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import botocore
import trustme


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """`chain` is what a server needs, a file in PEM; `root` is what vouches for it, PEM itself."""

    chain: Path
    root: bytes


def issue(directory: Path) -> Certificates:
    """Make a root, an intermediate and a certificate for loopback, RSA as AWS's own are."""
    root = trustme.CA(key_type=trustme.KeyType.RSA)
    leaf = root.create_child_ca(trustme.KeyType.RSA).issue_cert(
        "127.0.0.1", "localhost", key_type=trustme.KeyType.RSA
    )
    chain = directory / "server.pem"
    leaf.private_key_and_cert_chain_pem.write_to_path(str(chain))
    return Certificates(chain=chain, root=root.cert_pem.bytes())


def machines_authorities() -> Path:
    """Give authorities as many as a machine's own: those of the public web."""
    return Path(botocore.__file__).parent / "cacert.pem"


def with_root(authorities: Path, root: bytes, target: Path) -> Path:
    """Write `authorities` with one more to `target`.

    A client loads all that it would load without the bench, because that is part of what is
    measured.
    """
    target.write_bytes(authorities.read_bytes() + b"\n" + root)
    return target
