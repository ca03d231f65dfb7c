"""Applications of new partners, in the catalogue table under their program."""

from chalicelib.domain.application import Application, Decision
from chalicelib.domain.audit import Change
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item, compact
from chalicelib.storage.conditions import Condition, equals
from chalicelib.storage.table import ConditionFailed, Table, transact
from chalicelib.storage.trail import Trail


class Applications:
    """Every application of the stage."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "catalogue")
        self._trail = Trail(settings)

    def put_while_waiting(self, application: Application) -> bool:
        """Keep a new application, or a newer one of the same address; False where that is decided."""
        waiting = Condition(
            "attribute_not_exists(#pk) OR #d = :waiting",
            {"#pk": "pk", "#d": "decision"},
            {":waiting": str(Decision.WAITING)},
        )
        try:
            transact([self._table.put_action(_key(application) | _record(application), waiting)])
        except ConditionFailed:
            return False
        return True

    def find(self, program: str, application_id: str) -> Application | None:
        """The application, or None."""
        item = self._table.find(f"program#{program}", f"application#{application_id}")
        return _read(item) if item else None

    def page(self, program: str, limit: int, start: Item | None) -> tuple[list[Application], Item | None]:
        """Some applications of the program, and the key to go on from."""
        page = self._table.page(
            "pk", "sk", f"program#{program}", prefix="application#", consistent=True, limit=limit, start=start
        )
        return [_read(item) for item in page.items], page.next_key

    def forget(self, program: str, application_id: str) -> None:
        """Remove an application with all that was told in it."""
        self._table.delete(f"program#{program}", f"application#{application_id}")

    def decide(self, application: Application) -> bool:
        """Keep the decision, once; False where there was one."""
        key = _key(application)
        changes = {"decision": str(application.decision), "partner": application.partner}
        change = Change(
            "application",
            application.id,
            application.program,
            {"decision": str(Decision.WAITING)},
            {"decision": str(application.decision)},
        )
        waiting = equals("decision", str(Decision.WAITING))
        try:
            transact(
                [
                    self._table.update_action(key["pk"], key["sk"], changes, waiting),
                    self._trail.action(change),
                ]
            )
        except ConditionFailed:
            return False
        return True


def _key(application: Application) -> Item:
    return {"pk": f"program#{application.program}", "sk": f"application#{application.id}"}


def _record(application: Application) -> Item:
    return compact(
        {
            "id": application.id,
            "program": application.program,
            "name": application.name,
            "email": application.email,
            "site": application.site,
            "note": application.note,
            "told_at": format_instant(application.told_at),
            "decision": str(application.decision),
            "partner": application.partner,
        }
    )


def _read(item: Item) -> Application:
    return Application(
        id=item["id"],
        program=item["program"],
        name=item["name"],
        email=item["email"],
        site=item.get("site", ""),
        note=item.get("note", ""),
        told_at=parse_instant(item["told_at"], "told_at"),
        decision=Decision(item["decision"]),
        partner=item.get("partner"),
    )
