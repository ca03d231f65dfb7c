"""An account in this process: moto's server, with what it lacks around the import of an API put right."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto.apigateway import models as apigateway
from moto.awslambda import models as awslambda
from moto.cloudformation import models as cloudformation
from moto.core.base_backend import BackendDict
from moto.core.common_models import CloudFormationModel
from moto.secretsmanager.models import secretsmanager_backends
from moto.server import ThreadedMotoServer

IMPORTED: list[dict[str, Any]] = []
"""The descriptions of APIs that were uploaded since the account was started, the newest last."""


@contextmanager
def account() -> Iterator[str]:
    """Start it; its address. The fixes go with it."""
    IMPORTED.clear()
    with pytest.MonkeyPatch.context() as patch:
        _fix(patch)
        server = ThreadedMotoServer(port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        try:
            yield f"http://{host}:{port}"
        finally:
            # What was made lives in this process, and not in the server.
            BackendDict.reset()
            server.stop()


def _fix(patch: pytest.MonkeyPatch) -> None:
    """moto 5.2 reads OpenAPI 3 only, wants a description, and takes no mocked integration without a URI.
    A stack that a change set made has no outputs there, and a function's tracing does not change.
    """
    backend = apigateway.APIGatewayBackend
    put = backend.put_rest_api

    def put_rest_api(
        self: Any, function_id: str, api_doc: dict[str, Any], fail_on_warnings: bool, mode: str = "merge"
    ) -> Any:
        return put(self, function_id, _as_openapi(api_doc), fail_on_warnings, mode)

    imported = backend.import_rest_api

    def import_rest_api(self: Any, api_doc: dict[str, Any], fail_on_warnings: bool) -> Any:
        return imported(self, _as_openapi(api_doc), fail_on_warnings)

    carry_out = cloudformation.ChangeSet.apply

    def apply(self: Any) -> None:
        # What stays at its default has not changed.
        declared = self.template_dict["Parameters"]
        defaults = {name: one["Default"] for name, one in declared.items() if "Default" in one}
        there = self.stack.resource_map
        there.input_parameters = {**defaults, **there.input_parameters}
        carry_out(self)
        self.stack.template, self.stack.parameters = self.template, self.parameters
        self.stack._parse_template()
        self.stack.output_map = self.stack._create_output_map()

    change = awslambda.LambdaFunction.update_configuration

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        self.tracing_config = config_updates.get("TracingConfig") or self.tracing_config
        if "EphemeralStorage" in config_updates:
            self.ephemeral_storage = config_updates["EphemeralStorage"]["Size"]
        return change(self, config_updates)

    patch.setattr(awslambda.LambdaFunction, "update_configuration", update_configuration)
    patch.setattr(cloudformation.ChangeSet, "apply", apply)
    patch.setattr(backend, "put_rest_api", put_rest_api)
    patch.setattr(backend, "import_rest_api", import_rest_api)


class _Secret(CloudFormationModel):
    """A secret without a value, which moto's CloudFormation does not make."""

    def __init__(self, arn: str) -> None:
        self.arn = arn

    @property
    def physical_resource_id(self) -> str:
        return self.arn

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SecretsManager::Secret"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> "_Secret":
        backend = secretsmanager_backends[account_id][region_name]
        tags = cloudformation_json["Properties"]["Tags"]
        made = backend.create_secret(
            name=resource_name,
            secret_string=None,
            secret_binary=None,
            description=None,
            tags=tags,
            kms_key_id=None,
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        return cls(json.loads(made)["ARN"])


class _ByName(CloudFormationModel):
    """A resource of which there is only its name, as moto's CloudFormation does not make its kind."""

    kind = ""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def physical_resource_id(self) -> str:
        return self.name

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @classmethod
    def cloudformation_type(cls) -> str:
        return cls.kind

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        return f"{self.name.lower()}.{attribute_name.lower()}"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name: str, *_: Any, **__: Any) -> "_ByName":
        return cls(resource_name)

    def delete(self, *_: Any) -> None:
        """Nothing stands behind it."""


_OF_THE_EDGE = [
    type(f"_{kind.replace(':', '')}", (_ByName, CloudFormationModel), {"kind": kind})
    for kind in (
        "AWS::CloudFront::CachePolicy",
        "AWS::CloudFront::OriginRequestPolicy",
        "AWS::CloudFront::ResponseHeadersPolicy",
        "AWS::CloudFront::Function",
        "AWS::CloudFront::Distribution",
        "AWS::WAFv2::WebACL",
    )
]


def _as_openapi(document: dict[str, Any]) -> dict[str, Any]:
    IMPORTED.append(document)
    info = {"description": "", **document["info"]}
    return {key: value for key, value in document.items() if key != "swagger"} | {
        "openapi": "3.0.0",
        "info": info,
    }
