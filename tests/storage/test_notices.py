from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.parsers import ResponseParserError

from chalicelib.domain.errors import Unavailable
from chalicelib.storage import aws
from chalicelib.storage.notices import Notices

TOPIC = "arn:aws:sns:us-east-1:000000000000:finance"


@pytest.mark.parametrize(
    "failure", [ResponseParserError("no XML at all"), EndpointConnectionError(endpoint_url="http://sns")]
)
def test_a_notice_that_fails_in_any_way_is_unavailable(stage: Any, failure: Exception) -> None:
    def fail(**_: Any) -> None:
        raise failure

    aws.client("sns").meta.events.register("before-call.sns.Publish", fail)
    with pytest.raises(Unavailable, match="notice_not_sent"):
        Notices(replace(stage.settings, finance_topic=TOPIC)).publish("a month", {"event": "published"})
