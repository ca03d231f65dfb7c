"""Publishing the files of a frozen month: in one run, or from pieces that workers write beside one another.

Either way the bytes are the same, and each file is written where there is none; the manifest comes last.
"""

import io
from collections.abc import Sequence

from chalicelib import ENGINE, observe
from chalicelib.domain.errors import LinkledgerError, Unavailable
from chalicelib.domain.journal import Books
from chalicelib.domain.ledger import Part
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.services import kept_pieces, months, payout_facts
from chalicelib.services.folders import RETENTION, published_folder
from chalicelib.services.pacing import HasTime, OutOfTime, always, at_most
from chalicelib.services.pieces import LOOK_EVERY, Held
from chalicelib.services.publishing import Files, content_type, written
from chalicelib.storage.bucket import Differs
from chalicelib.storage.stores import Stores

AT_ONCE = 200_000
"""Entries of a month up to which one run writes it all; what is more is handed on, shard by shard."""


class CloseStopped(LinkledgerError):
    """The month can't be closed now; the code says why, and nothing is lost by waiting."""


class HandedOn(Exception):
    """Workers write the month; the close goes on when they have."""


def publish(stores: Stores, program: Program, month: Month, books: Books, has_time: HasTime) -> str:
    """Publish the frozen month's files, from the pieces that are kept, or all in one go; the manifest's hash.

    Raises:
        HandedOn: pieces are missing, and workers write them.
        CloseStopped: `ledger_differs`; `out_of_time`, where there are no workers.
        Unavailable: storage or the queue is away.
    """
    held = kept_pieces.find(stores, program, month)
    if not held:
        try:
            return _put_together(stores, program, month, books, has_time=_for_one_run(has_time))
        except OutOfTime:
            observe.count("close_handed_on")
    missing = [shard for shard in range(program.shards) if shard not in held]
    if stores.jobs.has_workers:
        for shard in missing:
            stores.jobs.send({"close": program.id, "month": str(month), "shard": str(shard)})
        if missing:
            raise HandedOn
    else:
        for shard in missing:
            keep_piece(stores, program, month, shard, has_time)
        held = kept_pieces.find(stores, program, month)
    return _put_together(stores, program, month, books, [held[shard] for shard in range(program.shards)])


def _for_one_run(has_time: HasTime) -> HasTime:
    """Time, for no more entries than one run writes."""
    few = at_most(AT_ONCE // LOOK_EVERY)
    return lambda: has_time() and few()


def keep_piece(stores: Stores, program: Program, month: Month, shard: int, has_time: HasTime) -> None:
    """Write and keep the shard's piece of a month that is being closed.

    Raises:
        CloseStopped: `ledger_differs`; `out_of_time`, the shard takes more than one run.
        Unavailable: storage is away.
    """
    try:
        kept_pieces.keep(stores, program, month, shard, has_time)
    except OutOfTime as failure:
        raise CloseStopped("out_of_time", f"shard {shard} takes more than one run") from failure
    except Differs as found:
        raise _differs(found) from found


def _differs(found: Differs) -> CloseStopped:
    return CloseStopped("ledger_differs", f"{found.key} is there with other bytes")


def _put_together(
    stores: Stores,
    program: Program,
    month: Month,
    books: Books,
    held: Sequence[Held] | None = None,
    has_time: HasTime = always,
) -> str:
    opening = months.opening_of(stores, program, month, books.opened)
    engine = books.engine or ENGINE
    try:
        with written(
            stores, program, month, opening, engine, payout_facts.frozen, has_time=has_time, held=held
        ) as files:
            _write_all(stores, program, month, files)
            stores.journal.keep(files.own)
            return files.sha256
    except Differs as found:
        raise _differs(found) from found
    except Unavailable as failure:
        if failure.code == "piece_damaged":
            kept_pieces.drop(stores, program.id, month)
        raise


def _write_all(stores: Stores, program: Program, month: Month, files: Files) -> None:
    folder = published_folder(program.id, month)
    until = month.end(program.timezone) + RETENTION
    for part in files.parts:
        if not (files.folder / part.name).exists():
            _check_published(stores, folder, part)
            continue
        with (files.folder / part.name).open("rb") as body:
            stores.bucket.publish(folder + part.name, body, part.sha256, content_type(part.name), until)
    name = "manifest.json"
    manifest = io.BytesIO(files.manifest)
    stores.bucket.publish(folder + name, manifest, files.sha256, content_type(name), until)


def _check_published(stores: Stores, folder: str, part: Part) -> None:
    """Whoever wrote the part's piece has published it; no manifest names what isn't there."""
    size = stores.bucket.size(folder + part.name)
    if size is None:
        raise Unavailable("piece_damaged", f"{part.name} isn't there")
    if size != part.bytes:
        raise Differs(folder + part.name)
