"""Settling a shard of a program for which one pass of the hourly reconcile has too much to do."""

import json
import os
from typing import Any

from chalice import Blueprint

from chalicelib import bootstrap, observe
from chalicelib.jobs.remaining import has_time
from chalicelib.services.reconcile import settle_handed_on

bp = Blueprint("app")


@bp.on_sqs_message(queue=os.environ.get("RECONCILE_QUEUE", "reconcile"), name="settle_shard", batch_size=1)
def settle_shard(event: Any) -> None:
    """Settle what waits in the shard; what time doesn't allow is handed on again.

    A message that can't be processed comes again a few times, and then lies among the dead letters.
    """
    try:
        for record in event.to_dict()["Records"]:
            told = json.loads(record["body"])
            summary = settle_handed_on(
                bootstrap.stores(), told["program"], told["shard"], bootstrap.now(), has_time(event)
            )
            observe.info("shard_settled", **told, **summary.as_dict())
    finally:
        observe.flush()
