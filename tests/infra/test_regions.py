from __future__ import annotations

import time

import pytest
from botocore.session import Session

from functions.shared.aws.json_client import DYNAMODB, SECRETS_MANAGER, JsonClient, JsonService
from functions.shared.http.connection import TrustStore
from infra.regions import SUPPORTED_PARTITIONS, UnsupportedRegionError, check_region

REGIONS = ("us-east-1", "eu-west-1", "mx-central-1", "us-gov-east-1", "us-gov-west-1")


@pytest.mark.parametrize("service", [DYNAMODB, SECRETS_MANAGER], ids=lambda each: each.name)
def test_the_ratings_function_calls_the_endpoints_of_each_supported_partition(
    service: JsonService,
) -> None:
    session = Session()
    session.set_credentials("made-up", "made-up")

    assert {session.get_partition_for_region(region) for region in REGIONS} == set(
        SUPPORTED_PARTITIONS
    )
    for region in REGIONS:
        check_region(region)
        client = JsonClient(
            service, {"AWS_REGION": region}, trust=TrustStore(), seconds=1, clock=time
        )
        expected = session.create_client(service.name, region_name=region).meta.endpoint_url
        assert client.url == expected


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("cn-north-1", "aws-cn"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-iso-east-1", "aws-iso"),
        ("atlantis-1", "unknown"),
    ],
)
def test_an_unsupported_region_is_rejected_and_its_partition_is_named(
    region: str, partition: str
) -> None:
    with pytest.raises(UnsupportedRegionError, match=f"{region} .* partition {partition},"):
        check_region(region)
