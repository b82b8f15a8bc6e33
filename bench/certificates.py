"""Certificates for the canned servers, and the roots by which the contestants trust them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import botocore
import trustme


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """`chain` is what a server needs, `roots` what a client does, both files in PEM."""

    chain: Path
    roots: Path


def issue(directory: Path) -> Certificates:
    """Make a root, an intermediate and a certificate for loopback, RSA as AWS's own are.

    Among the roots are all that botocore brings, because loading them is part of what is measured.
    """
    root = trustme.CA(key_type=trustme.KeyType.RSA)
    leaf = root.create_child_ca(trustme.KeyType.RSA).issue_cert(
        "127.0.0.1", "localhost", key_type=trustme.KeyType.RSA
    )
    certificates = Certificates(chain=directory / "server.pem", roots=directory / "roots.pem")
    leaf.private_key_and_cert_chain_pem.write_to_path(str(certificates.chain))
    bundled = Path(botocore.__file__).parent / "cacert.pem"
    certificates.roots.write_bytes(bundled.read_bytes() + b"\n" + root.cert_pem.bytes())
    return certificates
