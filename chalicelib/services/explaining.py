"""Why an entry stands in the ledger, and how what is in the bucket differs from what the journal gives."""

import difflib
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime

from chalicelib import ENGINE
from chalicelib.domain.decision import Decision
from chalicelib.domain.errors import NotFound
from chalicelib.domain.journal import Books, Entry
from chalicelib.domain.money import format_major
from chalicelib.domain.period import Month, format_instant
from chalicelib.domain.program import Program
from chalicelib.services import conversions, months
from chalicelib.services.folders import draft_folder, published_folder
from chalicelib.services.publishing import Extent, Files, written
from chalicelib.storage.conversion_records import Conversion
from chalicelib.storage.stores import Stores


def differences(stores: Stores, program_id: str, month: Month) -> Iterator[str]:
    """A unified diff from the month's files in the bucket (or its draft's) to what the journal gives now.

    Raises:
        NotFound: `program_unknown`; `ledger_unknown`, the month has no files.
    """
    program = stores.catalogue.program(program_id)
    books = stores.journal.books(program)
    closed = books.closed_through is not None and month <= books.closed_through
    folder = (published_folder if closed else draft_folder)(program_id, month)
    kept = {key.removeprefix(folder): key for key in stores.bucket.keys(folder)}
    if "manifest.json" not in kept:
        raise NotFound("ledger_unknown", "there is no ledger for this month")
    with ExitStack() as stack:
        extent = Extent.of_parts(kept) if closed else Extent()
        files = _written_now(stack, stores, program, books, month, extent)
        again = {part.name: (files.folder / part.name).read_bytes() for part in files.parts}
        for name in sorted({*again, *kept} - {"manifest.json"}):
            before = stores.bucket.find(kept[name]) if name in kept else b""
            yield from difflib.unified_diff(
                (before or b"").decode().splitlines(),
                again.get(name, b"").decode().splitlines(),
                f"{folder}{name}",
                f"recomputed/{name}",
                lineterm="",
            )


def _written_now(
    stack: ExitStack, stores: Stores, program: Program, books: Books, month: Month, extent: Extent
) -> Files:
    """The month's files anew; an open month opens with what the open months before it come to."""
    first = min(month, books.next_to_close)
    opening = months.opening_of(stores, program, first, books.opened)
    while True:
        with ExitStack() as one:
            files = one.enter_context(written(stores, program, first, opening, ENGINE, extent=extent))
            if first == month:
                stack.push(one.pop_all())
                return files
            opening = files.opening
            first = first.next()


def explain(stores: Stores, entry_id: str, only: str | None, now: datetime) -> Iterator[str]:
    """The entry, and all that led to it, line by line; `only` names the program where it is known.

    Raises:
        NotFound: `entry_unknown`, `program_unknown`.
    """
    entry = _find(stores, entry_id, [only] if only else list(stores.catalogue.programs()), now)
    yield from _entry_lines(entry)
    found = stores.conversions.find(entry.conversion) if entry.conversion else None
    if found is None:
        return
    yield from _conversion_lines(found, conversions.explain(stores, found))
    yield "entries of this conversion:"
    for other in found.booked.entries:
        yield f"  {_summary(other)}"


def _find(stores: Stores, entry_id: str, programs: list[str], now: datetime) -> Entry:
    """The journal has no index by entry: every month is read until it is found."""
    for program_id in programs:
        program = stores.catalogue.program(program_id)
        books = stores.journal.books(program)
        month = books.opened
        last = max(Month.of(now, program.timezone), books.next_to_close).next()
        while month <= last:
            for shard in range(program.shards + 1):  # the last one is the month's own
                for entry in stores.journal.entries(program_id, month, shard):
                    if entry.id == entry_id:
                        return entry
            month = month.next()
    raise NotFound("entry_unknown", "there is no such entry")


def _summary(entry: Entry) -> str:
    amount = f"{format_major(entry.commission_minor, entry.currency)} {entry.currency}"
    return f"{entry.id} {entry.kind} {amount} {entry.partner} in {entry.month}: {entry.reason}"


def _entry_lines(entry: Entry) -> Iterator[str]:
    yield _summary(entry)
    yield f"booked {format_instant(entry.booked_at)}, occurred {format_instant(entry.occurred_at)}"
    sale = f"{format_major(entry.sale_minor, entry.currency)} {entry.currency}"
    yield f"share {entry.share} of the sale: {sale}; terms version {entry.terms_version}; {entry.account}"
    if entry.reverses:
        yield f"answers {entry.reverses}"


def _conversion_lines(found: Conversion, decision: Decision) -> Iterator[str]:
    report = found.facts.effective
    amount = f"{format_major(report.content.amount_minor, report.content.currency)} {report.content.currency}"
    yield f"conversion {found.facts.id}: {found.state}"
    yield f"order {report.order_id} ({report.event}) of {amount}, told by {report.method}"
    yield (
        f"decided: {decision.outcome} ({decision.reason}), model {decision.model}, terms version "
        f"{decision.terms_version}, {decision.rate}, hold of {decision.hold_days} days"
    )
    for step in decision.path:
        at = format_instant(step.touch.at)
        yield f"  touch {step.touch.click_id} at {at} of {step.touch.partner}: {step.reason}, {step.share}"
    for credit in decision.credits:
        earned = f"{format_major(credit.commission_minor, decision.currency)} {decision.currency}"
        share = f"{credit.share.numerator}/{credit.share.denominator}"
        yield f"  credit {credit.partner} {share}: {earned} by {credit.basis}"
    for check in decision.checks:
        yield f"  check {check.name}: {'passed' if check.passed else 'failed'}, {check.detail}"
    for adjustment in found.facts.adjustments:
        yield f"  adjustment {adjustment.id}: {adjustment.kind} {adjustment.reason}"
