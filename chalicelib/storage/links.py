"""The `links` table: links by code and by id, their look-alikes, their history."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.domain.audit import Change
from chalicelib.domain.codes import appearance
from chalicelib.domain.errors import Conflict
from chalicelib.domain.link import Link, LinkState
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item, changed
from chalicelib.storage.conditions import ABSENT, equals
from chalicelib.storage.table import ConditionFailed, Table, transact
from chalicelib.storage.trail import Trail

_MAX_PAGES = 50


class Links:
    """Links of all programs."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "links")
        self._trail = Trail(settings)

    def find(self, code: str) -> Link | None:
        """The link with this (folded) code, deleted ones included; None where the code was never given."""
        item = self._table.find(code, "link")
        return _link(item) if item else None

    def find_by_id(self, link_id: str) -> Link | None:
        """The link with this id."""
        pointer = self._table.find(f"id#{link_id}", "link")
        return self.find(pointer["code"]) if pointer else None

    def create(self, link: Link) -> None:
        """Store a new link.

        Raises:
            Conflict: `code_taken`, or `code_lookalike` where another code looks like this one.
        """
        try:
            transact(
                [
                    self._table.put_action(_item(link), ABSENT),
                    self._table.put_action(_pointer(f"id#{link.id}", link), ABSENT),
                    self._table.put_action(_pointer(f"look#{appearance(link.code)}", link), ABSENT),
                    self._trail.action(Change("link", link.code, link.program, None, _shown(link))),
                ]
            )
        except ConditionFailed as error:
            if self.find(link.code) == link:
                return
            if 0 in error.failed:
                raise _taken() from error
            raise _lookalike() from error

    def check_free(self, code: str) -> None:
        """Let a (folded) code on that nobody has, as things stand.

        Raises:
            Conflict: `code_taken`, `code_lookalike`.
        """
        if self._table.find(code, "link") is not None:
            raise _taken()
        if self._table.find(f"look#{appearance(code)}", "link") is not None:
            raise _lookalike()

    def replace(self, old: Link, new: Link, at: datetime) -> Link:
        """Put the new version in the old one's place, which goes into the history; the stored one.

        Raises:
            Conflict: `link_changed` by somebody else meanwhile.
            ValueError: the identity of the link is not the same.
        """
        if (old.id, old.code, old.program, old.partner) != (new.id, new.code, new.program, new.partner):
            raise ValueError("a link keeps its id, code, program and partner")
        stored = replace(new, version=old.version + 1)
        history = _item(old) | {"sk": f"history#{format_instant(at)}#{old.version:06d}"}
        history.pop("sort", None)
        change = Change("link", old.code, old.program, _shown(old), _shown(stored))
        try:
            transact(
                [
                    self._table.update_action(
                        old.code, "link", changed(_item(old), _item(stored)), equals("version", old.version)
                    ),
                    self._table.put_action(history),
                    self._trail.action(change),
                ]
            )
        except ConditionFailed as error:
            if self.find(old.code) != stored:
                raise Conflict("link_changed", "the link was changed meanwhile; read it again") from error
        return stored

    def history(self, code: str) -> list[tuple[str, Link]]:
        """What edits replaced, oldest first, each with the instant of the edit."""
        items = self._table.query(code, prefix="history#")
        return [(item["sk"].split("#")[1], _link(item)) for item in items]

    def of_program(
        self, program: str, limit: int, start: Item | None = None, partner: str | None = None
    ) -> tuple[list[Link], Item | None]:
        """Links that are not deleted, oldest first, and the key to go on from (None at the end).

        From the index, so a link made a moment ago may be missing. With a partner, a page may hold fewer
        than `limit` and still not be the last.
        """
        found: list[Link] = []
        for _ in range(_MAX_PAGES):
            page = self._table.page(
                "program", "sort", program, index="by_program", limit=limit - len(found), start=start
            )
            links = [_link(item) for item in page.items]
            found += [link for link in links if partner is None or link.partner == partner]
            start = page.next_key
            if start is None or len(found) >= limit:
                break
        return found, start


def _taken() -> Conflict:
    return Conflict("code_taken", "this code is taken", "code")


def _lookalike() -> Conflict:
    return Conflict("code_lookalike", "another code looks like this one", "code")


def _item(link: Link) -> Item:
    item: Item = {
        "pk": link.code,
        "sk": "link",
        "id": link.id,
        "program": link.program,
        "partner": link.partner,
        "created_at": format_instant(link.created_at),
        "destination": link.destination,
        "campaign": link.campaign,
        "utm": link.utm,
        "sub": link.sub,
        "tags": link.tags,
        "state": str(link.state),
        "expires_at": format_instant(link.expires_at) if link.expires_at else None,
        "carry_query": link.carry_query,
        "version": link.version,
    }
    if link.state is not LinkState.DELETED:
        item["sort"] = f"{format_instant(link.created_at)}#{link.code}"
    return {name: value for name, value in item.items() if value is not None}


def _shown(link: Link) -> Item:
    """The link as the audit log has it: without the table's own keys."""
    return {name: value for name, value in _item(link).items() if name not in {"pk", "sk", "sort"}}


def _pointer(pk: str, link: Link) -> Item:
    return {"pk": pk, "sk": "link", "code": link.code}


def _link(item: Item) -> Link:
    def instant(name: str) -> Any:
        return parse_instant(item[name], name) if name in item else None

    return Link(
        id=item["id"],
        code=item["pk"],
        program=item["program"],
        partner=item["partner"],
        created_at=instant("created_at"),
        destination=item.get("destination"),
        campaign=item.get("campaign"),
        utm=item["utm"],
        sub=item["sub"],
        tags=tuple(item["tags"]),
        state=LinkState(item["state"]),
        expires_at=instant("expires_at"),
        carry_query=item["carry_query"],
        version=item["version"],
    )
