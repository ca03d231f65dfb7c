"""What is owed to partners elsewhere: corrections by hand, taken back by corrections that name them."""

from chalicelib.domain.booking import Manual, ManualKind
from chalicelib.domain.errors import Conflict
from chalicelib.domain.moving import Told
from chalicelib.services import manual
from chalicelib.services.moving.desk import Desk, Standing, Step
from chalicelib.storage.imports import Made

_MOST = 50


def wanted(desk: Desk, told: Told) -> Step | None:
    """The balance that the row tells; one for each partner and currency."""
    if not told.balance_minor:
        return None
    partner = desk.people.id_of(told)
    return Step(f"moved.{desk.vendor}.{partner}.{told.currency}", partner, told)


def look(desk: Desk, step: Step) -> Standing:
    """Whether the balance is booked.

    Raises:
        Conflict: `balance_differs`, another amount is booked, or told in these files.
    """
    told = desk.seen.get(("balance", step.name))
    if told is not None and told.told.balance_minor != step.told.balance_minor:
        raise Conflict("balance_differs", "these files tell another balance of this partner", "balance")
    name = _standing(desk, step.name)
    known = desk.stores.journal.find_by_hand(desk.program.id, name)
    if known is None:
        return Standing.MADE
    if known[0]["amount"] != step.told.balance_minor:
        raise Conflict("balance_differs", "another balance of this partner was brought before", "balance")
    return Standing.THERE


def make(desk: Desk, step: Step) -> None:
    """Book it, payable at once."""
    name = _standing(desk, step.name)
    _book(
        desk,
        name,
        step.partner,
        step.told.balance_minor,
        step.told.currency,
        f"balance brought from {desk.vendor}",
    )


def undo(desk: Desk, made: Made) -> str:
    """Book the opposite, which names what it takes back."""
    name = _standing(desk, made.name)
    known = desk.stores.journal.find_by_hand(desk.program.id, name)
    if known is not None:
        entry = known[1]
        reason = f"takes back {name}, the balance brought from {desk.vendor}"
        _book(desk, f"{name}.undo", made.partner, -entry.commission_minor, entry.currency, reason)
    return ""


def _book(desk: Desk, name: str, partner: str, amount_minor: int, currency: str, reason: str) -> None:
    wanted = Manual(name, partner, ManualKind.CORRECTION, amount_minor, currency, reason, "operator")
    manual.book(desk.stores, desk.program, wanted, desk.now)


def _standing(desk: Desk, name: str) -> str:
    """The id under which the balance stands, or is to be booked: a new one after each undo."""
    find = desk.stores.journal.find_by_hand
    for number in range(1, _MOST + 1):
        numbered = f"{name}.{number}"
        if find(desk.program.id, f"{numbered}.undo") is None:
            return numbered
    raise Conflict("undone_too_often", f"this balance was brought and taken back {_MOST} times", "balance")
