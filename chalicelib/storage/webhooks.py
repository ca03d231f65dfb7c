"""Who wants events: webhooks of merchants and postbacks of partners, in the catalogue table."""

from dataclasses import replace
from datetime import datetime

from chalicelib.domain.audit import Change
from chalicelib.domain.outbound import EventType, Webhook
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item, changed, compact
from chalicelib.storage.conditions import ABSENT, PRESENT, unchanged
from chalicelib.storage.table import ConditionFailed, Table, transact
from chalicelib.storage.trail import Trail


class Webhooks:
    """The webhooks of all programs: each is kept under its id, and under its program."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "catalogue")
        self._trail = Trail(settings)

    def add_once(self, webhook: Webhook) -> bool:
        """Keep a new webhook; False where there is one with its id."""
        puts = [self._table.put_action(key | _record(webhook), ABSENT) for key in _keys(webhook)]
        try:
            transact([*puts, self._trail.action(_change(webhook, None, _record(webhook)))])
        except ConditionFailed:
            return False
        return True

    def find(self, webhook_id: str) -> Webhook | None:
        """The webhook, or None."""
        item = self._table.find(f"webhook#{webhook_id}", "webhook") if len(webhook_id) <= 128 else None
        return _read(item) if item else None

    def of(self, program: str) -> list[Webhook]:
        """Every webhook of the program."""
        return [_read(item) for item in self._table.query(f"program#{program}", prefix="webhook#")]

    def replace(self, known: Webhook, webhook: Webhook) -> None:
        """Keep the webhook as it is now.

        Raises:
            ConditionFailed: what changes is not as in `known` any more, or the webhook is gone.
        """
        before, after = _record(known), _record(webhook)
        changes = changed(before, after)
        if not changes:
            return
        same = unchanged({name: before.get(name) for name in changes})
        updates = [self._table.update_action(key["pk"], key["sk"], changes, same) for key in _keys(webhook)]
        transact([*updates, self._trail.action(_change(webhook, before, after))])

    def turn_off(self, webhook: Webhook) -> None:
        """Tell it nothing any more, unless that is so; whatever else was changed meanwhile stays."""
        same = unchanged({"off": None})
        updates = [
            self._table.update_action(key["pk"], key["sk"], {"off": True}, same) for key in _keys(webhook)
        ]
        before = _record(replace(webhook, is_active=True))
        change = _change(webhook, before, before | {"off": True})
        try:
            transact([*updates, self._trail.action(change)])
        except ConditionFailed:
            return

    def remove(self, webhook: Webhook) -> None:
        """Forget the webhook, if it is there."""
        deletions = [self._table.delete_action(key["pk"], key["sk"], PRESENT) for key in _keys(webhook)]
        try:
            transact([*deletions, self._trail.action(_change(webhook, _record(webhook), None))])
        except ConditionFailed:
            return


def _change(webhook: Webhook, before: Item | None, after: Item | None) -> Change:
    return Change("postback" if webhook.partner else "webhook", webhook.id, webhook.program, before, after)


def _keys(webhook: Webhook) -> list[Item]:
    return [
        {"pk": f"webhook#{webhook.id}", "sk": "webhook"},
        {"pk": f"program#{webhook.program}", "sk": f"webhook#{webhook.id}"},
    ]


def _record(webhook: Webhook) -> Item:
    return compact(
        {
            "id": webhook.id,
            "program": webhook.program,
            "url": webhook.url,
            "events": sorted(webhook.events),
            "created_at": format_instant(webhook.created_at),
            "partner": webhook.partner,
            "secrets": list(webhook.secrets),
            "old_until": format_instant(webhook.old_until) if webhook.old_until else None,
            "off": None if webhook.is_active else True,
        }
    )


def _read(item: Item) -> Webhook:
    old: str | None = item.get("old_until")
    until: datetime | None = parse_instant(old, "old_until") if old else None
    return Webhook(
        id=item["id"],
        program=item["program"],
        url=item["url"],
        events=frozenset(EventType(name) for name in item.get("events", [])),
        created_at=parse_instant(item["created_at"], "created_at"),
        partner=item.get("partner"),
        secrets=tuple(item.get("secrets", [])),
        old_until=until,
        is_active=not item.get("off", False),
    )
