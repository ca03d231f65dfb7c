"""Programs: created once, and changed only where that re-prices nothing."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import Conflict
from chalicelib.domain.program import Program
from chalicelib.domain.review import normal_domain, refuse, review_program
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

CHANGEABLE = frozenset(
    {
        "name",
        "domains",
        "default_url",
        "click_param",
        "fallback_url",
        "methods",
        "trust_browser",
        "late_days",
        "consent",
        "utm",
    }
)
"""What may change later. Currency, time zone and settlement decide past months, and stay."""


def create(stores: Stores, wanted: Program) -> tuple[Program, bool]:
    """The program as it is stored, and whether this call created it.

    The postback token and the number of shards are given here, whatever `wanted` says of them, and so is
    the default URL where it is empty: `https://{first domain}/`.

    Raises:
        Refused: with everything that is wrong with it.
        Conflict: `program_exists`, with other settings.
    """
    program = _reviewed(
        replace(wanted, postback_token=secrets.token_urlsafe(24), shards=stores.settings.ledger_shards)
    )
    if stores.catalogue.add_program_once(program):
        return program, True
    kept = stores.catalogue.program(program.id)
    if kept == program:
        return kept, True
    offered = replace(
        program, created_at=kept.created_at, postback_token=kept.postback_token, shards=kept.shards
    )
    if kept != offered:
        raise Conflict("program_exists", "there is a program with this id and other settings", "id")
    return kept, False


def change(stores: Stores, program_id: str, changes: Mapping[str, Any]) -> Program:
    """The program with these settings changed.

    Raises:
        NotFound: `program_unknown`.
        Refused: with everything that would be wrong with it.
        Conflict: `program_changed` by somebody else meanwhile.
        ValueError: for a setting that never changes.
    """
    if not changes.keys() <= CHANGEABLE:
        raise ValueError(f"these never change: {sorted(changes.keys() - CHANGEABLE)}")
    known = stores.catalogue.program(program_id)
    program = _reviewed(replace(known, **changes))
    try:
        stores.catalogue.replace_program(known, program)
    except ConditionFailed as error:
        raise Conflict("program_changed", "the program was changed meanwhile; read it again") from error
    stores.warm.clear()
    return program


def timezone_of(stores: Stores, program_id: str) -> str:
    """Its time zone, which never changes and is read once a process; UTC for a program that there isn't."""
    known, _ = stores.warm.find("timezone", program_id)
    if known is None:
        program = stores.catalogue.find_program(program_id)
        known = program.timezone if program else "UTC"
        stores.warm.keep("timezone", program_id, known)
    return str(known)


def _reviewed(program: Program) -> Program:
    domains = tuple(normal_domain(domain) or domain for domain in program.domains)
    default_url = program.default_url or (f"https://{domains[0]}/" if domains else "")
    normal = replace(program, domains=domains, default_url=default_url)
    refuse(review_program(normal))
    return normal
