"""Links of an import, under the codes that they had, so that what is in print goes on working."""

from dataclasses import replace

from chalicelib.domain import codes
from chalicelib.domain.destination import check_url
from chalicelib.domain.errors import Conflict
from chalicelib.domain.link import LinkState
from chalicelib.domain.moving import Told
from chalicelib.services import links
from chalicelib.services.moving.desk import Desk, Standing, Step, elsewhere
from chalicelib.storage.imports import Made


def wanted(desk: Desk, told: Told) -> Step | None:
    """The link whose code the row tells."""
    if not told.code:
        return None
    return Step(codes.fold(told.code) or told.code, desk.people.id_of(told), told)


def look(desk: Desk, step: Step) -> Standing:
    """Whether the partner has this code.

    Raises:
        Invalid: `code_invalid`, `code_reserved`, `url_invalid`, `url_not_allowed`.
        Conflict: `code_taken`, `code_lookalike`, `link_deleted`.
    """
    code = codes.check_vanity(step.told.code, shortest=1)
    if step.told.destination:
        check_url(step.told.destination, desk.program.domains, "destination")
    found = desk.stores.links.find(code)
    if found is None:
        desk.stores.links.check_free(code)
        _check_looks(desk, code)
        return Standing.MADE
    if (found.program, found.partner) != (desk.program.id, step.partner):
        raise elsewhere("code", "code_taken")
    if found.state is not LinkState.DELETED:
        return Standing.THERE
    if desk.was_undone("link", code):
        return Standing.MADE
    raise Conflict("link_deleted", "this link was deleted here", "code")


def make(desk: Desk, step: Step) -> None:
    """The link; one that an undo of this import deleted is taken up again."""
    found = desk.stores.links.find(step.name)
    if found is not None and found.state is LinkState.DELETED:
        desk.stores.links.replace(found, replace(found, state=LinkState.ACTIVE), desk.now)
        desk.stores.warm.forget("link", found.code)
        return
    links.create(
        desk.stores,
        desk.program,
        step.partner,
        code=step.name,
        destination=step.told.destination or None,
        tags=(f"from-{desk.vendor}",),
        shortest=1,
        now=desk.now,
    )


def undo(desk: Desk, made: Made) -> str:
    """Delete the link; nobody else gets its code."""
    found = desk.stores.links.find(made.name)
    if found is not None and found.state is not LinkState.DELETED:
        links.delete(desk.stores, found, desk.now)
    return ""


def _check_looks(desk: Desk, code: str) -> None:
    """Refuse a code that looks like another one of these files, as it will be once that is there."""
    looks = codes.appearance(code)
    if any(kind == "link" and codes.appearance(name) == looks for kind, name in desk.seen if name != code):
        raise Conflict("code_lookalike", "another code of these files looks like this one", "code")
