"""`/v1/webhooks`: who is told of events, what was told, and telling it again."""

from typing import Any

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.outbound import Delivery, EventType, Webhook
from chalicelib.domain.period import format_instant
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.services import webhooks

bp = Blueprint(__name__)

_EVERYBODY = {Scope.ADMIN, Scope.MERCHANT, Scope.PARTNER}


class NewWebhook(Body, frozen=True, kw_only=True):
    """A webhook; with `partner` a partner's postback, whose URL may hold macros such as `{click_id}`.

    Without `events` it is told of everything.
    """

    program: str
    url: str
    events: list[EventType] | None = None
    partner: str | None = None


class WebhookChanges(Body, frozen=True, kw_only=True):
    """What may change; `active` false stops it, and true starts it again."""

    url: str | None = None
    events: list[EventType] | None = None
    active: bool | None = None


class Nothing(Body, frozen=True, kw_only=True):
    """Nothing is to be said."""


class WebhookView(View, frozen=True, kw_only=True):
    """A webhook, without its secret."""

    id: str
    program: str
    partner: str | None
    url: str
    events: list[EventType]
    active: bool
    created_at: str


class NewWebhookView(WebhookView, frozen=True, kw_only=True):
    """A webhook; `secret` is shown this once (null for a partner's postback, which is not signed)."""

    secret: str | None


class AttemptView(View, frozen=True, kw_only=True):
    """An attempt: the answer's status (0 without one), its beginning or what went wrong, and how long."""

    at: str
    status: int
    told: str
    took_ms: int


class DeliveryView(View, frozen=True, kw_only=True):
    """An event on its way to a webhook; `state` is `pending`, `delivered` or `failed`."""

    id: str
    event: str
    type: EventType
    state: str
    url: str
    body: str
    created_at: str
    next_attempt_at: str | None
    attempts: list[AttemptView]


@bp.route("/v1/webhooks", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewWebhook, returns=NewWebhookView, status=201, scopes=_EVERYBODY)
def create_webhook(call: Call[NewWebhook]) -> NewWebhookView:
    """Have events told to a URL; its secret is shown this once. A partner's key makes its own postback."""
    body = call.body
    made = webhooks.create(
        call.stores, call.caller, body.program, body.url, body.events, body.partner, call.now
    )
    return _with_secret(made)


@bp.route("/v1/webhooks", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[WebhookView], scopes=_EVERYBODY, query=("program", *paging.QUERY))
def list_webhooks(call: Call[None]) -> paging.Listing[WebhookView]:
    """List the webhooks of a program; to a partner its own postbacks."""
    paging.wanted(call)
    found = webhooks.of_program(call.stores, call.caller, call.query.get("program", ""))
    return paging.listing(call, [WebhookView(**_shared(one)) for one in found], None)


@bp.route("/v1/webhooks/{webhook}", methods=["GET"], content_types=["*/*"])
@endpoint(returns=WebhookView, scopes=_EVERYBODY)
def get_webhook(call: Call[None]) -> WebhookView:
    """Get a webhook."""
    return WebhookView(**_shared(_own(call)))


@bp.route("/v1/webhooks/{webhook}", methods=["PATCH"], content_types=["*/*"])
@endpoint(body=WebhookChanges, returns=WebhookView, scopes=_EVERYBODY)
def change_webhook(call: Call[WebhookChanges]) -> WebhookView:
    """Change where a webhook leads, what it is told, or whether."""
    body = call.body
    changed = webhooks.change(call.stores, _own(call), body.url, body.events, body.active)
    return WebhookView(**_shared(changed))


@bp.route("/v1/webhooks/{webhook}", methods=["DELETE"], content_types=["*/*"])
@endpoint(status=204, scopes=_EVERYBODY)
def delete_webhook(call: Call[None]) -> None:
    """Remove a webhook; what is on its way to it is given up."""
    call.stores.webhooks.remove(_own(call))


@bp.route("/v1/webhooks/{webhook}/secret", methods=["POST"], content_types=["*/*"])
@endpoint(body=Nothing, returns=NewWebhookView, status=201, scopes=_EVERYBODY)
def rotate_webhook_secret(call: Call[Nothing]) -> NewWebhookView:
    """Give the webhook a new secret, shown this once; the old one signs beside it for a day."""
    return _with_secret(webhooks.rotate(call.stores, _own(call), call.now))


@bp.route("/v1/webhooks/{webhook}/test", methods=["POST"], content_types=["*/*"])
@endpoint(body=Nothing, returns=DeliveryView, status=202, scopes=_EVERYBODY)
def test_webhook(call: Call[Nothing]) -> DeliveryView:
    """Send the webhook a test event."""
    return _delivery_view(webhooks.try_out(call.stores, _own(call), call.now))


@bp.route("/v1/webhooks/{webhook}/deliveries", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[DeliveryView], scopes=_EVERYBODY, query=paging.QUERY)
def list_deliveries(call: Call[None]) -> paging.Listing[DeliveryView]:
    """What was told to a webhook in the last 30 days, the newest first."""
    limit, start = paging.wanted(call)
    found, next_key = call.stores.outbox.page(_own(call).id, limit, start, call.now)
    return paging.listing(call, [_delivery_view(one) for one in found], next_key)


@bp.route("/v1/webhooks/{webhook}/deliveries/{delivery}", methods=["GET"], content_types=["*/*"])
@endpoint(returns=DeliveryView, scopes=_EVERYBODY)
def get_delivery(call: Call[None]) -> DeliveryView:
    """One delivery, with its attempts."""
    return _delivery_view(webhooks.delivery(call.stores, _own(call), call.path["delivery"], call.now))


@bp.route("/v1/webhooks/{webhook}/deliveries/{delivery}/replay", methods=["POST"], content_types=["*/*"])
@endpoint(body=Nothing, returns=DeliveryView, status=202, scopes=_EVERYBODY)
def replay_delivery(call: Call[Nothing]) -> DeliveryView:
    """Send a delivery once more, with the same event id."""
    return _delivery_view(webhooks.replay(call.stores, _own(call), call.path["delivery"], call.now))


def _own(call: Call[Any]) -> Webhook:
    return webhooks.find(call.stores, call.caller, call.path["webhook"])


def _with_secret(webhook: Webhook) -> NewWebhookView:
    return NewWebhookView(**_shared(webhook), secret=next(iter(webhook.secrets), None))


def _shared(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "program": webhook.program,
        "partner": webhook.partner,
        "url": webhook.url,
        "events": sorted(webhook.events),
        "active": webhook.is_active,
        "created_at": format_instant(webhook.created_at),
    }


def _delivery_view(delivery: Delivery) -> DeliveryView:
    is_pending = delivery.state == "pending"
    return DeliveryView(
        id=delivery.id,
        event=delivery.event,
        type=delivery.type,
        state=delivery.state,
        url=delivery.url,
        body=delivery.body,
        created_at=format_instant(delivery.created_at),
        next_attempt_at=format_instant(delivery.due_at) if is_pending else None,
        attempts=[
            AttemptView(at=format_instant(one.at), status=one.status, told=one.told, took_ms=one.took_ms)
            for one in delivery.attempts
        ],
    )
