"""Structured logs and one metric per outcome, through powertools.

Logs have a constant event name and fields, never an address, an e-mail, a secret or a body.
"""

import os
import threading
from functools import lru_cache
from typing import Any

NAMESPACE = "Linkledger"

_of_thread = threading.local()


@lru_cache(maxsize=1)
def _logger() -> Any:
    from aws_lambda_powertools import Logger

    return Logger(service="linkledger")


def _metrics() -> Any:
    """This thread's metrics: Lambda has one thread, the local stack many, and they must not share a set."""
    if not hasattr(_of_thread, "metrics"):
        from aws_lambda_powertools.metrics import EphemeralMetrics

        # The only dimension: what tells the stages of one account apart.
        stage = os.environ.get("TABLE_PREFIX", "linkledger")
        _of_thread.metrics = EphemeralMetrics(namespace=NAMESPACE, service=stage)
    return _of_thread.metrics


def info(event: str, **fields: object) -> None:
    """Log that something expected happened."""
    _logger().info(event, extra=fields)


def warn(event: str, **fields: object) -> None:
    """Log that something needs a look."""
    _logger().warning(event, extra=fields)


def error(event: str, **fields: object) -> None:
    """Log a failure, with the traceback of the exception that is being handled."""
    _logger().exception(event, extra=fields)


def count(outcome: str, amount: int = 1) -> None:
    """Add to the metric of that outcome; written out by `flush` at the end of the invocation."""
    _metrics().add_metric(name=outcome, unit="Count", value=amount)


def flush() -> None:
    """Write the invocation's metrics, if there are any."""
    metrics = _metrics()
    if metrics.metric_set:
        metrics.flush_metrics()
        metrics.clear_metrics()  # Where metrics are switched off, nothing else forgets them.
