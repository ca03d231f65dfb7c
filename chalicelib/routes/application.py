"""The Chalice application of this project: what Chalice itself gets wrong for it, put right."""

from typing import Any

from chalice import Chalice

from chalicelib.routes import replies


class Application(Chalice):
    """Answers bytes of any type, clients that send no `Accept`, and wrong methods in our own shape."""

    def __init__(self, app_name: str) -> None:
        # The logger of `observe` has the app's name: a second handler would write every line twice.
        super().__init__(app_name, configure_logs=False)
        self.api.binary_types = ["*/*"]

    def __call__(self, event: Any, context: Any) -> Any:
        """The answer to one API Gateway event.

        A missing `Accept` is taken as `*/*`: Chalice refuses binary answers without one, after the view
        ran.
        """
        request = event.get("requestContext", {})
        methods = self.routes.get(request.get("resourcePath"), {})
        if methods and request.get("httpMethod") not in methods:
            refusal: Any = replies.method_not_allowed(", ".join(sorted(methods)))
            return refusal.to_dict(self.api.binary_types)
        headers = event.get("headers") or {}
        if not any(name.lower() == "accept" for name in headers):
            event = {**event, "headers": {**headers, "accept": "*/*"}}
        return super().__call__(event, context)
