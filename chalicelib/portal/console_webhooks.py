"""`/console/{program}/webhooks`: who is told of events, what was told, and telling it again."""

from typing import Any

from chalice import Blueprint

from chalicelib.domain.errors import Invalid, LinkledgerError, NotFound
from chalicelib.domain.outbound import FOR_PARTNERS, KEPT_FOR, EventType, Webhook
from chalicelib.domain.program import Program
from chalicelib.domain.session import Area
from chalicelib.portal.console import program_of, see, shown
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.paging import ROWS, cursor, start
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import webhooks

bp = Blueprint(__name__)

EVENTS = tuple(str(one) for one in EventType if one is not EventType.TEST)
"""What a merchant's webhook may be told."""


@bp.route("/console/{program}/webhooks", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def list_webhooks(visit: Visit) -> Shown:
    """Who is told of events: the merchant's webhooks, and its partners' postbacks."""
    return _list(visit, program_of(visit), {})


@bp.route("/console/{program}/webhooks", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def make_webhook(visit: Visit) -> Shown:
    """A new webhook, whose secret is shown this once; with a partner, its postback."""
    program, form = program_of(visit), visit.form
    try:
        made = webhooks.create(
            visit.stores,
            visit.caller,
            program.id,
            form.get("url"),
            _events(form.all("events")),
            form.get("partner") or None,
            visit.now,
        )
    except LinkledgerError as error:
        return _list(visit, program, problems(error), status_of(error))
    return _one(visit, program, made, new_secret=next(iter(made.secrets), None))


@bp.route("/console/{program}/webhooks/{webhook}", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def show_webhook(visit: Visit) -> Shown:
    """One webhook, and what was told to it."""
    program = program_of(visit)
    return _one(visit, program, _own(visit, program))


@bp.route("/console/{program}/webhooks/{webhook}", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def change_webhook(visit: Visit) -> Shown | See:
    """Try it out, repeat a delivery, change what it is told, give it a new secret, stop or delete it."""
    program = program_of(visit)
    webhook = _own(visit, program)
    try:
        if visit.form.get("do") == "rotate":
            changed = webhooks.rotate(visit.stores, webhook, visit.now)
            return _one(visit, program, changed, new_secret=changed.secrets[0])
        done = _changed(visit, webhook)
    except LinkledgerError as error:
        return _one(visit, program, webhook, wrong=problems(error), status=status_of(error))
    return see(program, "webhooks" if done == "webhook_deleted" else f"webhooks/{webhook.id}", done)


def _changed(visit: Visit, webhook: Webhook) -> str:
    """Do what the form asks; the word for what was done."""
    stores, form = visit.stores, visit.form
    match form.get("do"):
        case "test":
            webhooks.try_out(stores, webhook, visit.now)
            return "webhook_tested"
        case "replay":
            webhooks.replay(stores, webhook, form.get("delivery"), visit.now)
            return "delivery_replayed"
        case "stop" | "start":
            webhooks.change(stores, webhook, None, None, form.get("do") == "start")
            return "webhook_changed"
        case "change":
            webhooks.change(stores, webhook, form.get("url"), _events(form.all("events")), None)
            return "webhook_changed"
        case "delete":
            stores.webhooks.remove(webhook)
            return "webhook_deleted"
    raise NotFound("action_unknown", "there is no such action")


def _events(names: tuple[str, ...]) -> list[EventType] | None:
    """The events that were ticked; None, which is all that may be told, where none was.

    Raises:
        Invalid: `events_invalid`.
    """
    if not set(names) <= set(EVENTS):
        raise Invalid("events_invalid", "there is no such event", "events")
    return [EventType(name) for name in names] or None


def _own(visit: Visit, program: Program) -> Webhook:
    """The webhook of this program in the address.

    Raises:
        NotFound: `webhook_unknown`, also for somebody else's.
    """
    webhook = webhooks.find(visit.stores, visit.caller, visit.path["webhook"])
    if webhook.program != program.id:
        raise NotFound("webhook_unknown", "there is no such webhook")
    return webhook


def _list(visit: Visit, program: Program, wrong: dict[str, str], status: int = 200) -> Shown:
    form = visit.form
    return shown(
        "webhooks",
        program,
        status,
        webhooks=webhooks.of_program(visit.stores, visit.caller, program.id),
        events=EVENTS,
        sent={"url": form.get("url"), "partner": form.get("partner"), "events": form.all("events")},
        problems=wrong,
    )


def _one(
    visit: Visit,
    program: Program,
    webhook: Webhook,
    *,
    new_secret: str | None = None,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> Shown:
    found: list[Any]
    found, next_key = visit.stores.outbox.page(webhook.id, ROWS, start(visit), visit.now)
    return shown(
        "webhook",
        program,
        status,
        webhook=webhook,
        events=[name for name in EVENTS if not webhook.partner or name in FOR_PARTNERS],
        deliveries=found,
        kept_days=KEPT_FOR.days,
        next=cursor(visit, next_key),
        new_secret=new_secret,
        problems=wrong or {},
    )
