"""Verifying published months anew, from the facts that a stopped stack kept."""

import os
from collections.abc import Sequence
from pathlib import Path

from chalicelib import bootstrap
from chalicelib.domain.period import Month
from chalicelib.services import verifying
from chalicelib.storage import aws
from local import provision
from local.engine import REGION, Engine
from local.stack import PREFIX


def problems(data_dir: Path, program: str, published: Sequence[str]) -> list[str]:
    """Everything that comes out otherwise than it was published: bytes, hashes, the chain, any entry."""
    with Engine(data_dir / "engine") as engine:
        stage = provision.stage(engine.client, prefix=PREFIX, base_url="http://127.0.0.1:8000", region=REGION)
        os.environ.update(engine.environment | stage)
        aws.forget()
        bootstrap.stores.cache_clear()
        stores = bootstrap.stores()
        verified = [verifying.verify(stores, program, Month.parse(month)) for month in published]
    return [problem for month in verified for problem in month.problems]
