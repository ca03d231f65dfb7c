"""The audit log: who changed what that merchants and administrators set up, from what to what.

A record holds no secret and nobody's name or address: such attributes are hidden, though not that they
changed. So nothing of it ever has to be taken out again.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

HIDDEN = "(hidden)"
"""Stands for the value of an attribute that the log doesn't show."""

MAX_VALUES_BYTES = 64 * 1024
"""Of what was before, or is after, as JSON; of longer ones the digest is kept."""

_SECRET = frozenset({"digest", "secret", "secrets", "postback_token"})
_PERSONAL = frozenset({"email", "details", "accounts", "payer", "address", "phone"})
_WITHOUT_QUERY = frozenset({"url"})
"""Addresses that are called: what stands in their query is the receiver's, and often its password."""

_PERSONAL_OF = {"partner": frozenset({"name"}), "postback": frozenset({"url"})}

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and since when: an API key by its id, `signature`, `operator`, `job ...` or `system`."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one thing: of which kind and by which name; None before it was made, or after its end.

    `program` is whose affair it is; None where it is the stage's.
    """

    what: str
    name: str
    program: str | None
    before: Values | None
    after: Values | None

    @property
    def action(self) -> str:
        """`created`, `changed` or `removed`."""
        if self.before is None:
            return "created"
        return "changed" if self.after is not None else "removed"


@dataclass(frozen=True, slots=True)
class Record:
    """A change as the log holds it."""

    id: str
    at: datetime
    actor: str
    change: Change


def as_logged(change: Change) -> Change:
    """The change as the log may hold it: of an edit only what differs, hidden where it must be, bounded."""
    before, after = change.before, change.after
    if before is not None and after is not None:
        differing = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        before, after = _only(before, differing), _only(after, differing)
    return Change(
        change.what, change.name, change.program, _shown(change.what, before), _shown(change.what, after)
    )


def _only(values: Values, names: set[str]) -> Values:
    return {name: value for name, value in values.items() if name in names}


def _shown(what: str, values: Values | None) -> Values | None:
    if values is None:
        return None
    hidden = _SECRET | _PERSONAL | _PERSONAL_OF.get(what, frozenset())
    shown = {
        name: HIDDEN if name in hidden else _without_query(value) if name in _WITHOUT_QUERY else value
        for name, value in values.items()
    }
    text = json.dumps(shown, sort_keys=True, default=str).encode()
    if len(text) <= MAX_VALUES_BYTES:
        return shown
    return {"sha256": hashlib.sha256(text).hexdigest(), "bytes": len(text)}


def _without_query(url: str) -> str:
    path, mark, query = url.partition("?")
    return f"{path}{mark}{HIDDEN}" if query else url
