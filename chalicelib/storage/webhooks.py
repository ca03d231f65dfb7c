"""Who wants events: webhooks of merchants and postbacks of partners, in the catalogue table."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.outbound import EventType, Webhook
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item, changed, compact
from chalicelib.storage.conditions import ABSENT, PRESENT
from chalicelib.storage.table import ConditionFailed, Table, transact


class Webhooks:
    """The webhooks of all programs: each is kept under its id, and under its program."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "catalogue")

    def add_once(self, webhook: Webhook) -> bool:
        """Keep a new webhook; False where there is one with its id."""
        try:
            transact([self._table.put_action(item, ABSENT) for item in _items(webhook)])
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
        """Keep the webhook as it is now; not one that was removed meanwhile."""
        changes = changed(_record(known), _record(webhook))
        if changes:
            self._update(webhook, changes)

    def turn_off(self, webhook: Webhook) -> None:
        """Tell it nothing any more; whatever else was changed meanwhile stays."""
        self._update(webhook, {"off": True})

    def remove(self, webhook: Webhook) -> None:
        """Forget the webhook."""
        transact([self._table.delete_action(item["pk"], item["sk"]) for item in _items(webhook)])

    def _update(self, webhook: Webhook, changes: Mapping[str, object]) -> None:
        try:
            transact(
                [
                    self._table.update_action(item["pk"], item["sk"], changes, PRESENT)
                    for item in _items(webhook)
                ]
            )
        except ConditionFailed:
            return


def _items(webhook: Webhook) -> list[Item]:
    record = _record(webhook)
    return [
        {"pk": f"webhook#{webhook.id}", "sk": "webhook", **record},
        {"pk": f"program#{webhook.program}", "sk": f"webhook#{webhook.id}", **record},
    ]


def _record(webhook: Webhook) -> dict[str, Any]:
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
