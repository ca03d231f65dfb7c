"""What a program's shop has to do to tell its sales, filled in for this program and stage."""

from chalicelib.domain import snippets
from chalicelib.domain.program import Program
from chalicelib.domain.snippets import Snippet, Subject
from chalicelib.domain.terms import Attribution
from chalicelib.storage.stores import Stores


def of_program(stores: Stores, program: Program) -> list[Snippet]:
    """The snippet of every way that the program uses; they hold its postback token, which is a secret."""
    versions = stores.catalogue.terms(program.id)
    events = [rule.event for rule in versions[-1].commissions] if versions else []
    return snippets.all_of(
        Subject(
            program,
            versions[-1].attribution if versions else Attribution(),
            stores.settings.links_of(program.id),
            snippets.event_for(events),
        )
    )
