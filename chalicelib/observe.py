"""Structured logs and one metric per outcome, through powertools.

Logs have a constant event name and fields, never an address, an e-mail, a secret or a body.
"""

from functools import lru_cache
from typing import Any

NAMESPACE = "Linkledger"


@lru_cache(maxsize=1)
def _logger() -> Any:
    from aws_lambda_powertools import Logger

    return Logger(service="linkledger")


@lru_cache(maxsize=1)
def _metrics() -> Any:
    from aws_lambda_powertools import Metrics

    return Metrics(namespace=NAMESPACE, service="linkledger")


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
