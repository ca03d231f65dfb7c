"""Telling events to webhooks and partners, from the outbound queue."""

import json
import os
from typing import Any

from chalice import Blueprint

from chalicelib import bootstrap, observe
from chalicelib.services import delivering

bp = Blueprint("app")


@bp.on_sqs_message(queue=os.environ.get("OUTBOUND_QUEUE", "outbound"), name="deliver", batch_size=1)
def deliver(event: Any) -> None:
    """Try the deliveries of the messages; what fails is put back in the queue with its delay."""
    try:
        for record in event.to_dict()["Records"]:
            told = json.loads(record["body"])
            delivering.deliver(bootstrap.stores(), told["webhook"], told["delivery"], bootstrap.now())
    finally:
        observe.flush()
