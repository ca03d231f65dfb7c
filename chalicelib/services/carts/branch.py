"""Branch's webhooks: installs and in-app events.

Branch signs nothing, so the webhook's URL carries a secret of ours as `token`. Payload:
help.branch.io/developer-hub/data-integration-webhooks-for-developers and the event ontology: `name`,
`event_timestamp` (milliseconds), `event_data` (`transaction_id`, `revenue`, `currency`, `coupon`), and the
link's own data, which holds the click's token as `ll_click`, under `last_attributed_touch_data`. The event
is the one that Branch names, such as `INSTALL` or `PURCHASE`.
"""

from datetime import datetime

from chalicelib.domain.errors import Invalid
from chalicelib.domain.program import Method
from chalicelib.services.carts.delivery import (
    Delivery,
    Fact,
    Sale,
    Source,
    has_token,
    instant,
    mapping,
    minor_of,
    read_object,
    required,
    text_of,
)


def _verifies(secret: str, delivery: Delivery, _now: datetime) -> bool:
    return has_token(secret, delivery)


def _read(delivery: Delivery) -> list[Fact]:
    message = read_object(delivery.body)
    data = mapping(message.get("event_data"))
    touch = mapping(message.get("last_attributed_touch_data"))
    user = mapping(message.get("user_data"))
    at_ms = message.get("event_timestamp")
    if isinstance(at_ms, bool) or not isinstance(at_ms, int):
        raise Invalid("time_invalid", "time must be in milliseconds since 1970", "event_timestamp")
    order = data.get("transaction_id") or message.get("id")
    return [
        Sale(
            required(order, "id"),
            minor_of(data.get("revenue"), text_of(data.get("currency")), delivery.currency),
            event=required(message.get("name"), "name"),
            click_id=next((text_of(touch[name]) for name in delivery.click_names if touch.get(name)), None),
            coupon=text_of(data.get("coupon"), "coupon"),
            customer_id=text_of(user.get("developer_identity"), "developer_identity"),
            occurred_at=instant(at_ms // 1000, "event_timestamp"),
        )
    ]


SOURCE = Source(Method.BRANCH, _verifies, _read)
