"""The custom domain of the API: its certificate, its name, and its DNS records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from constructs import Construct

if TYPE_CHECKING:
    from infra.optional_features import CustomDomain

RECORD_TYPES: Final = ("A", "AAAA")


class ApiDomain(Construct):
    """The domain name, mapped to a stage; with a hosted zone, also its records and certificate."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        api: apigateway.RestApi,
        domain: CustomDomain,
        security_policy: apigateway.SecurityPolicy,
    ) -> None:
        super().__init__(scope, id_)
        self.name: Final = apigateway.DomainName(
            self,
            "Default",  # adds nothing to the logical id
            domain_name=domain.name,
            certificate=self._certificate(domain),
            endpoint_type=apigateway.EndpointType.REGIONAL,
            security_policy=security_policy,
            endpoint_access_mode=apigateway.EndpointAccessMode.STRICT,
        )
        resource = cast("apigateway.CfnDomainName", self.name.node.default_child)
        resource.add_property_override("EndpointConfiguration.IpAddressType", "dualstack")
        # Without a base path, which the function would receive as part of the path.
        self.name.add_base_path_mapping(api, stage=api.deployment_stage)
        for type_ in RECORD_TYPES if domain.hosted_zone_id is not None else ():
            route53.CfnRecordSet(
                self,
                type_,
                name=domain.name,
                type=type_,
                hosted_zone_id=domain.hosted_zone_id,
                alias_target=route53.CfnRecordSet.AliasTargetProperty(
                    dns_name=self.name.domain_name_alias_domain_name,
                    hosted_zone_id=self.name.domain_name_alias_hosted_zone_id,
                ),
            )

    def _certificate(self, domain: CustomDomain) -> acm.ICertificate:
        if domain.certificate_arn is not None:
            return acm.Certificate.from_certificate_arn(self, "Certificate", domain.certificate_arn)
        zone = route53.HostedZone.from_hosted_zone_id(self, "Zone", str(domain.hosted_zone_id))
        return acm.Certificate(
            self,
            "Certificate",
            domain_name=domain.name,
            validation=acm.CertificateValidation.from_dns(zone),
        )
