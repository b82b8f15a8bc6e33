"""The regions to which the service can be deployed."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import UnknownRegionError
from botocore.session import Session

SUPPORTED_PARTITIONS: Final = ("aws", "aws-us-gov")
"""The partitions whose endpoints end in amazonaws.com, with certificates of Amazon's authorities.

The ratings function calls no other endpoints, and the bundles trust no other authorities.
"""


class UnsupportedRegionError(ValueError):
    """The service does not work in that region; the message says why."""


def check_region(region: str) -> None:
    """Raise UnsupportedRegionError unless the service works in the region.

    It does not check whether the region offers every AWS feature that the stack uses.
    """
    try:
        partition = Session().get_partition_for_region(region)
    except UnknownRegionError:
        partition = "unknown"
    if partition not in SUPPORTED_PARTITIONS:
        raise UnsupportedRegionError(
            f"the region {region} belongs to the partition {partition}, whose endpoints and "
            f"certificates the functions do not support: deploy to a region of "
            f"{' or '.join(SUPPORTED_PARTITIONS)}"
        )
