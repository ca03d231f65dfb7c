"""Reading ledgers: which months there are, and the files of one."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from chalicelib.domain.errors import NotFound
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.services.folders import draft_folder, published_folder
from chalicelib.storage.stores import Stores

LINK_LIFE = timedelta(minutes=15)


class Status(StrEnum):
    """Whether a month's ledger can still change."""

    DRAFT = "draft"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Ledger:
    """A month of a program. `sha256` is that of a published manifest that is known from the books."""

    program: str
    month: Month
    status: Status


@dataclass(frozen=True, slots=True)
class Contents:
    """A ledger with its manifest, and links to its files that end at `expires_at`."""

    ledger: Ledger
    manifest: dict[str, Any]
    links: dict[str, str]
    expires_at: datetime


def of_program(stores: Stores, program: Program) -> list[Ledger]:
    """The program's months, oldest first: every published one, then the drafts that there are."""
    books = stores.journal.books(program)
    found = []
    if books.closed_through is not None:
        month = books.opened
        while month <= books.closed_through:
            found.append(Ledger(program.id, month, Status.PUBLISHED))
            month = month.next()
    for key in stores.bucket.keys(f"drafts/{program.id}/"):
        folder, name = key.rsplit("/", 1)
        month = Month.parse(folder.split("/")[2])
        if name == "manifest.json" and month >= books.next_to_close:
            found.append(Ledger(program.id, month, Status.DRAFT))
    return found


def contents(
    stores: Stores,
    program: Program,
    month: Month,
    now: datetime,
    wanted: Callable[[str], bool] = lambda _: True,
) -> Contents:
    """One month's manifest, and short-lived links to those of its files whose names are wanted.

    Raises:
        NotFound: `ledger_unknown`.
    """
    status, folder = _folder(stores, program, month)
    read = json.loads(_read(stores, folder + "manifest.json"))
    names = [part["name"] for part in read["parts"]] + ["manifest.json"]
    seconds = int(LINK_LIFE.total_seconds())
    links = {name: stores.bucket.link(folder + name, seconds) for name in names if wanted(name)}
    return Contents(Ledger(program.id, month, status), read, links, now + LINK_LIFE)


def summary(stores: Stores, program: Program, month: Month) -> list[dict[str, str]]:
    """The lines of a month's `summary.csv`: one for each partner and currency, amounts decimal.

    Raises:
        NotFound: `ledger_unknown`.
    """
    _, folder = _folder(stores, program, month)
    return list(csv.DictReader(io.StringIO(_read(stores, folder + "summary.csv").decode(), newline="")))


def _folder(stores: Stores, program: Program, month: Month) -> tuple[Status, str]:
    books = stores.journal.books(program)
    if books.closed_through is not None and month <= books.closed_through:
        return Status.PUBLISHED, published_folder(program.id, month)
    return Status.DRAFT, draft_folder(program.id, month)


def _read(stores: Stores, key: str) -> bytes:
    body = stores.bucket.find(key)
    if body is None:
        raise NotFound("ledger_unknown", "there is no ledger for this month")
    return body
