"""Somebody who wants to become a partner of a program: what was told, and what the merchant decided."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Decision(StrEnum):
    """What became of an application."""

    WAITING = "waiting"
    APPROVED = "approved"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Application:
    """One application. `site` is where the applicant would share links; `partner` whom an approval made."""

    id: str
    program: str
    name: str
    email: str
    site: str
    note: str
    told_at: datetime
    decision: Decision = Decision.WAITING
    partner: str | None = None
