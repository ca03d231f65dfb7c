"""What pages of the partner portal about one program share."""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.program import Program
from chalicelib.portal.page import Shown, Visit
from chalicelib.services import access


def program_of(visit: Visit) -> Program:
    """The program of the address, in which the partner is enrolled.

    Raises:
        NotFound: `program_unknown`.
    """
    return access.program_of(visit.stores, visit.caller, visit.path["program"])


def shown(program: Program, template: str, values: Mapping[str, Any], status: int = 200) -> Shown:
    """A page about the program; `root` is where its pages' addresses begin."""
    root = f"/portal/programs/{program.id}"
    return Shown(f"portal/{template}", {"program": program, "root": root, **values}, status)
