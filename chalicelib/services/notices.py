"""Telling finance what became of a close. A notice that can't be sent never stops anything."""

from chalicelib import observe
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.period import Month
from chalicelib.storage.stores import Stores


def published(stores: Stores, program: str, month: Month, sha256: str) -> None:
    """Tell that a month's ledger is there."""
    content = {"event": "ledger_published", "program": program, "month": str(month), "sha256": sha256}
    _tell(stores, f"Ledger {month} of {program} is published", content)


def stopped(stores: Stores, program: str, month: Month, reason: str) -> None:
    """Tell that a month can't be closed, and why; again with each run, until it can."""
    content = {"event": "close_stopped", "program": program, "month": str(month), "reason": reason}
    _tell(stores, f"Ledger {month} of {program} can't be closed", content)


def _tell(stores: Stores, subject: str, content: dict[str, str]) -> None:
    if not stores.notices.wanted:
        return
    try:
        stores.notices.publish(subject[:100], content)
    except Unavailable:
        observe.warn("notice_not_sent", notice=content["event"], program=content["program"])
        observe.count("notice_not_sent")
