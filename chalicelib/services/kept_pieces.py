"""Pieces of a month that workers write beside one another, kept in the bucket until the month is published.

A shard's part of the ledger is published at once: it is final since the shard was frozen. The rest lies under
`closing/{program}/{month}/{version of the code}/{shard}/`; `piece.json`, which is written last, says that it
is whole. Whoever writes a piece again writes the same. What a crash leaves behind expires.
"""

import io
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chalicelib import ENGINE
from chalicelib.domain import monthly
from chalicelib.domain.ledger import Balance, Part, Tally
from chalicelib.domain.monthly import Monthly, Sums
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.services import pieces
from chalicelib.services.folders import RETENTION, closing_folder, published_folder
from chalicelib.services.pacing import HasTime
from chalicelib.services.pieces import Held, Piece
from chalicelib.services.publishing import content_type
from chalicelib.services.spooling import Bundle
from chalicelib.storage.stores import Stores

_MARK = "piece.json"
_MOVED = ("accrued", "reversed", "corrected", "paid", "payable_moved")


def keep(stores: Stores, program: Program, month: Month, shard: int, has_time: HasTime) -> None:
    """Write the shard's piece, of a month that is being closed.

    Raises:
        Differs: its part of the ledger is published with other bytes.
        OutOfTime: the shard has more entries than time allows.
        Unavailable: storage is away.
    """
    stores.journal.freeze(program.id, month, shard)
    by_month = monthly.has_rules(stores.catalogue.terms(program.id))
    entries = stores.journal.entries(program.id, month, shard)
    with TemporaryDirectory(prefix="piece-") as name:
        held = pieces.write(Path(name), shard, entries, program, month, has_time, by_month=by_month)
        part = held.piece.ledger
        until = month.end(program.timezone) + RETENTION
        with (Path(name) / part.name).open("rb") as body:
            key = published_folder(program.id, month) + part.name
            stores.bucket.publish(key, body, part.sha256, content_type(part.name), until)
        folder = _folder(program, month, shard)
        for bundle in held.piece.bundles:
            with held.open(bundle) as body:
                stores.bucket.write(folder + bundle, body, "application/octet-stream")
        stores.bucket.write(folder + _MARK, io.BytesIO(_to_json(held.piece)), "application/json")


def shards(stores: Stores, program: Program, month: Month) -> list[int]:
    """The shards whose pieces are whole."""
    root = _root(program, month)
    found = (key.removeprefix(root).partition("/") for key in stores.bucket.keys(root))
    return [int(shard) for shard, _, name in found if name == _MARK]


def find(stores: Stores, program: Program, month: Month) -> dict[int, Held]:
    """The pieces that are whole, by shard."""
    found = {}
    for shard in shards(stores, program, month):
        body = stores.bucket.find(_folder(program, month, shard) + _MARK)
        if body is not None:
            found[shard] = _held(stores, program, month, shard, _from_json(body))
    return found


def drop(stores: Stores, program: str, month: Month) -> None:
    """Remove all of them, those of other versions too."""
    for key in stores.bucket.keys(closing_folder(program, month)):
        stores.bucket.delete(key)


def _held(stores: Stores, program: Program, month: Month, shard: int, piece: Piece) -> Held:
    folder = _folder(program, month, shard)
    opened = {
        name: partial(stores.bucket.open, folder + name, bundle.bytes)
        for name, bundle in piece.bundles.items()
    }
    return Held(piece, lambda name: opened[name]())


def _root(program: Program, month: Month) -> str:
    return f"{closing_folder(program.id, month)}{ENGINE.replace('/', '-')}/"


def _folder(program: Program, month: Month, shard: int) -> str:
    return f"{_root(program, month)}{shard:05d}/"


def _to_json(piece: Piece) -> bytes:
    tally, sales = piece.tally, piece.monthly.sales
    body = {
        "ledger": asdict(piece.ledger),
        "bundles": {name: asdict(bundle) for name, bundle in piece.bundles.items()},
        "balances": [
            [*key, *(getattr(balance, name) for name in _MOVED)] for key, balance in tally.balances.items()
        ],
        "kinds": tally.kinds,
        "conversions": tally.conversions,
        "terms_versions": sorted(tally.terms_versions),
        "sales": [
            [str(month), partner, currency, event, sums.count, sums.sale_minor, sums.commission_minor]
            for (month, partner, currency), events in sales.items()
            for event, sums in events.items()
        ],
    }
    return json.dumps(body, separators=(",", ":")).encode()


def _from_json(body: bytes) -> Piece:
    told: dict[str, Any] = json.loads(body)
    balances = {
        (partner, currency): Balance(**dict(zip(_MOVED, moved, strict=True)))
        for partner, currency, *moved in told["balances"]
    }
    sold = Monthly()
    for month, partner, currency, event, *figures in told["sales"]:
        sold.sales.setdefault((Month.parse(month), partner, currency), {})[event] = Sums(*figures)
    bundles = {
        name: Bundle(each["sha256"], each["bytes"], tuple((n, size, rows) for n, size, rows in each["index"]))
        for name, each in told["bundles"].items()
    }
    tally = Tally(balances, told["kinds"], told["conversions"], set(told["terms_versions"]))
    return Piece(Part(**told["ledger"]), bundles, tally, sold)
