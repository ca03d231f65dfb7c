"""Writing published months anew from the journal that a stopped stack kept."""

import os
from collections.abc import Sequence
from pathlib import Path

from chalicelib import bootstrap
from chalicelib.domain.period import Month
from chalicelib.services import months, publishing
from chalicelib.storage import aws
from local import provision
from local.engine import REGION, Engine
from local.stack import PREFIX


def manifests(data_dir: Path, program_id: str, published: Sequence[str]) -> dict[str, bytes]:
    """The manifest of each month as it comes out now; it carries the hash of every other file."""
    with Engine(data_dir / "engine") as engine:
        stage = provision.stage(engine.client, prefix=PREFIX, base_url="http://127.0.0.1:8000", region=REGION)
        os.environ.update(engine.environment | stage)
        aws.forget()
        bootstrap.stores.cache_clear()
        stores = bootstrap.stores()
        program = stores.catalogue.program(program_id)
        books = stores.journal.books(program)
        written = {}
        for name in published:
            month = Month.parse(name)
            opening = months.opening_of(stores, program, month, books.opened)
            with publishing.written(stores, program, month, opening, books.engine or "") as files:
                written[name] = files.manifest
    return written
