"""API Gateway as it stands between CloudFront and the function: built from the Swagger that was uploaded.

A REST API with proxy integrations: what has no route or method gets its own answer, a body travels in base64
where the API's binary types say so, and everything else is the function's.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from local.gateway import Answer, BadAnswer, Request, Resources, answer_of, event_of

Invoke = Callable[[dict[str, Any]], Any]

_FUNCTION = re.compile(r"functions/arn:aws:lambda:[a-z0-9-]+:\d+:function:([A-Za-z0-9_-]+)/invocations$")


class ApiGateway:
    """One stage of one API; `invoke` runs the function that the Swagger names."""

    def __init__(
        self, swagger: Mapping[str, Any], own_answers: Mapping[str, Any], stage: str, invoke: Invoke
    ) -> None:
        self._paths = swagger["paths"]
        self._binary = swagger.get("x-amazon-apigateway-binary-media-types", [])
        self._own = own_answers
        self._stage = f"/{stage}"
        self._invoke = invoke
        self._resources = Resources(self._paths)

    def functions(self) -> set[str]:
        """The names of the functions that routes lead to; an integration of another kind is "other"."""
        found = set()
        for methods in self._paths.values():
            for one in methods.values():
                integration = one["x-amazon-apigateway-integration"]
                named = _FUNCTION.search(integration.get("uri", ""))
                proxied = integration["type"] == "aws_proxy" and named
                found.add(named[1] if proxied and named else "other")
        return found

    def ask(self, request: Request) -> Answer:
        """The answer to a request for the API's host."""
        if not request.target.startswith(f"{self._stage}/"):
            return self._own_answer("MISSING_AUTHENTICATION_TOKEN", 403)
        request = replace(request, target=request.target.removeprefix(self._stage))
        match = self._resources.match(request.target.partition("?")[0])
        if match is None or request.method.lower() not in self._paths[match.resource]:
            return self._own_answer("MISSING_AUTHENTICATION_TOKEN", 403)
        event = event_of(request, match)
        if request.body and not self._is_binary(request, "content-type"):
            event |= {"body": request.body.decode("utf-8", "replace"), "isBase64Encoded": False}
        result = self._invoke(event)
        if result.get("isBase64Encoded") and not self._is_binary(request, "accept"):
            result = result | {"isBase64Encoded": False}
        try:
            return answer_of(result)
        except BadAnswer:
            return self._own_answer("DEFAULT_5XX", 502)

    def _is_binary(self, request: Request, header: str) -> bool:
        """Whether what this header names first is one of the binary types."""
        named = next((value for name, value in request.headers if name.lower() == header), "")
        return "*/*" in self._binary or named.split(",")[0].split(";")[0].strip() in self._binary

    def _own_answer(self, kind: str, status: int) -> Answer:
        own = self._own.get(kind, {})
        body = own.get("responseTemplates", {}).get("application/json", '{"message": "Forbidden"}')
        prefix = "gatewayresponse.header."
        headers = [
            (name.removeprefix(prefix), value.strip("'"))
            for name, value in own.get("responseParameters", {}).items()
        ]
        return Answer(
            int(own.get("statusCode", status)),
            [("Content-Type", "application/json"), *headers],
            body.encode(),
        )
