"""Streams that are no more: a table that was restored has a new one, and Chalice never looks for it.

It keeps a worker's subscription as long as that is what its own record says, whatever the configuration names
now. So subscriptions to other streams are ended before it deploys, and taken out of its record; it then makes
new ones.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError


def leave(functions: Any, record: Path, streams: Collection[str]) -> list[str]:
    """End the subscriptions to all streams but these, and forget them in the record; which streams they were.

    Repeated after a failure it goes on.
    """
    if not record.exists():
        return []
    kept = json.loads(record.read_text())
    old = [one for one in kept["resources"] if one.get("stream_arn", "") not in {"", *streams}]
    for one in old:
        try:
            functions.delete_event_source_mapping(UUID=one["event_uuid"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
    kept["resources"] = [one for one in kept["resources"] if one not in old]
    record.write_text(json.dumps(kept, indent=2))
    return [str(one["stream_arn"]) for one in old]
