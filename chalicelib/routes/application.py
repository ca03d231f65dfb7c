"""The Chalice application of this project: what Chalice itself gets wrong for it, put right."""

import os
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from chalice import Chalice

from chalicelib.routes import replies


class Application(Chalice):
    """Answers bytes of any type, clients that send no `Accept`, and wrong methods in our own shape.

    Modules are registered by name, each with its blueprint `bp`. In a Lambda function most of them wait
    until they are needed, because importing all of them takes longer than a redirect's whole cold start;
    anywhere else (the local stack, tests, `chalice deploy`) they are all there at once.
    """

    def __init__(self, app_name: str) -> None:
        super().__init__(app_name)
        self.api.binary_types = ["*/*"]
        self._waiting: list[str] = []

    def register_when_needed(self, modules: Iterable[str]) -> None:
        """Register these modules; in a Lambda function, at the first request for a path not known so far."""
        self._waiting += modules
        if not _in_lambda():
            self._register_waiting()

    def register_outside_lambda(self, modules: Iterable[str]) -> None:
        """Register these modules; in a Lambda function never, because it is given its one job by name."""
        if not _in_lambda():
            self._waiting += modules
            self._register_waiting()

    def __call__(self, event: Any, context: Any) -> Any:
        """The answer to one API Gateway event.

        A missing `Accept` is taken as `*/*`: Chalice refuses binary answers without one, after the view
        ran.
        """
        request = event.get("requestContext", {})
        if request.get("resourcePath") not in self.routes:
            self._register_waiting()
        methods = self.routes.get(request.get("resourcePath"), {})
        if methods and request.get("httpMethod") not in methods:
            refusal: Any = replies.method_not_allowed(", ".join(sorted(methods)))
            return refusal.to_dict(self.api.binary_types)
        headers = event.get("headers") or {}
        if not any(name.lower() == "accept" for name in headers):
            event = {**event, "headers": {**headers, "accept": "*/*"}}
        return super().__call__(event, context)

    def _register_waiting(self) -> None:
        while self._waiting:
            self.register_blueprint(import_module(self._waiting[0]).bp)
            del self._waiting[0]


def _in_lambda() -> bool:
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ
