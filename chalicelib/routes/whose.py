"""Whose things a list is asked for: which program's, by the query or the caller's own, and whose in it."""

from typing import Any

from chalicelib.domain.errors import Invalid
from chalicelib.domain.program import Program
from chalicelib.routes.endpoint import Call
from chalicelib.services import access


def program_id(call: Call[Any]) -> str:
    """The program's id, as it is asked for: nobody has judged yet whether the caller may see it.

    Raises:
        Invalid: `field_required`, neither names one.
    """
    wanted = call.query.get("program", call.caller.program)
    if wanted is None:
        raise Invalid("field_required", "program is required", "program")
    return wanted


def program_and_partner(call: Call[Any]) -> tuple[Program, str | None]:
    """A program that the caller may see, and the partner that is named; a partner always is itself.

    Raises:
        Invalid: `field_required`.
        NotFound: `program_unknown`, `partner_unknown`: not there, or not the caller's.
    """
    program = access.program_of(call.stores, call.caller, program_id(call))
    partner = call.query.get("partner", call.caller.partner if call.caller.is_partner else None)
    if partner is not None:
        call.caller.require_partner(partner)
    return program, partner
