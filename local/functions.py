"""The app's functions as AWS would call them: the API for the front, and the others with what feeds them."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from chalice import Chalice
from chalice.app import DynamoDBEventConfig, ScheduledEventConfig, SQSEventConfig
from chalice.local import LocalChalice

from local import gateway
from local.front import Route, error_answer
from local.gateway import Answer, Request


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda hands to a function beside the event."""

    function_name: str
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 1024
    timeout_s: int = 900

    @property
    def invoked_function_arn(self) -> str:
        """The function's own name, in full."""
        return f"arn:aws:lambda:us-east-1:000000000000:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """All the time that a job has; nothing here ends it."""
        return self.timeout_s * 1000


@dataclass(frozen=True, slots=True)
class StreamSource:
    """A function fed by a table's stream."""

    function: str
    stream_arn: str
    batch_size: int


@dataclass(frozen=True, slots=True)
class QueueSource:
    """A function fed by a queue."""

    function: str
    queue: str
    batch_size: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function that runs by the clock; `expression` is EventBridge's, such as `rate(1 hour)`."""

    function: str
    expression: str


Source = StreamSource | QueueSource | Schedule


class Functions:
    """The functions of one Chalice app."""

    def __init__(self, app: Chalice) -> None:
        self._app = app

    def sources(self) -> list[Source]:
        """What feeds them.

        Raises:
            ValueError: the app declares a source that the local stack cannot play.
        """
        return [self._source(config) for config in self._app.event_sources]

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """What the function answers to the event; its exceptions come through."""
        return self._app.handler_map[function](event, Context(function))

    def _source(self, config: Any) -> Source:
        match config:
            case DynamoDBEventConfig():
                return StreamSource(config.name, config.stream_arn, config.batch_size)
            case SQSEventConfig():
                queue = config.queue or str(config.queue_arn).rpartition(":")[2]
                return QueueSource(config.name, queue, config.batch_size)
            case ScheduledEventConfig():
                expression = config.schedule_expression
                return Schedule(
                    config.name, expression if isinstance(expression, str) else expression.to_string()
                )
        raise ValueError(f"the local stack cannot feed {config.name}, a {type(config).__name__}")


def make_thread_safe(app: Chalice) -> None:
    """Let one app object serve many threads: each sees its own current request, as in `chalice local`."""
    if not isinstance(app, LocalChalice):
        app.__class__ = type("ThreadedApplication", (LocalChalice, type(app)), {})


def api_route(app: Chalice) -> Route:
    """Everything that the deployed API answers."""
    make_thread_safe(app)
    resources = gateway.Resources(app.routes)

    def answer(request: Request) -> Answer:
        path, _ = gateway.split_target(request.target)
        match = resources.match(path)
        if match is None:
            return error_answer(403, "no_such_route", "there is nothing at this path")
        preflight = _preflight(app, match.resource) if request.method == "OPTIONS" else None
        if preflight is not None:
            return preflight
        try:
            return gateway.answer_of(app(gateway.event_of(request, match), Context("api", timeout_s=29)))
        except gateway.BadAnswer as error:
            return error_answer(502, "bad_answer", str(error))

    return answer


def _preflight(app: Chalice, resource: str) -> Answer | None:
    """What API Gateway answers to OPTIONS by itself, where Chalice declares CORS for the resource."""
    methods = app.routes[resource]
    cors = next((entry.cors for entry in methods.values() if entry.cors is not None), None)
    if cors is None or "OPTIONS" in methods:
        return None
    allowed = ",".join([*sorted(methods), "OPTIONS"])
    headers = {**cors.get_access_control_headers(), "Access-Control-Allow-Methods": allowed}
    return Answer(200, list(headers.items()), b"")
