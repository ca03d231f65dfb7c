"""A restore, rehearsed on the embedded engine: copies, damage, checks, copies in place, ledgers brought back.

The engine restores a table as it is, whatever moment one names: so the copies are made before the damage,
where an operator would name the moment before it.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib import bootstrap
from chalicelib.domain.errors import LinkledgerError
from chalicelib.domain.period import Month
from chalicelib.services.close import close_program
from chalicelib.services.reconcile import reconcile
from chalicelib.storage.stores import Stores
from infra.account import DeployError
from infra.restoring import Ledgers, Tables, problems
from local.engine import Engine
from tests import scene
from tests.conftest import Stage
from tests.scene import AFTER_GRACE, MONTH_START

SEPTEMBER = Month(2026, 9)
SOLD_AT = MONTH_START + timedelta(days=3)


@dataclass
class Shop:
    """A stage with one closed month in it."""

    stage: Stage
    engine: Engine
    shop: scene.Scene

    @property
    def tables(self) -> Tables:
        return Tables(self.engine.client("dynamodb"), self.stage.settings.table_prefix)

    @property
    def ledgers(self) -> Ledgers:
        return Ledgers(self.engine.client("s3"), self.stage.settings.ledger_bucket, "COMPLIANCE")

    def stores(self, prefix: str) -> Stores:
        return Stores(replace(self.stage.settings, table_prefix=prefix))

    def wrong(self, prefix: str | None = None) -> list[str]:
        stores = self.stores(prefix or self.stage.settings.table_prefix)
        return problems(stores, [].append)

    def delete_items(self, table: str) -> int:
        """The damage: all that the table holds is gone."""
        dynamodb, name = self.engine.client("dynamodb"), self.stage.settings.table(table)
        items = dynamodb.scan(TableName=name)["Items"]
        for item in items:
            dynamodb.delete_item(TableName=name, Key={"pk": item["pk"], "sk": item["sk"]})
        return len(items)

    def published(self) -> set[str]:
        return set(self.stage.stores.bucket.keys("ledgers/"))


@pytest.fixture
def closed(stage: Stage, engine: Engine, clock: Any) -> Shop:
    clock.set(AFTER_GRACE)
    stores, shop = stage.stores, scene.make(stage.stores)
    for _ in range(3):
        shop.sell(stores, SOLD_AT)
    reconcile(stores, SOLD_AT + timedelta(hours=1))
    close_program(stores, shop.program.id, AFTER_GRACE)
    made = Shop(stage, engine, shop)
    assert made.wrong() == []
    return made


def test_tables_come_back_from_copies_that_were_checked(closed: Shop) -> None:
    tables, dynamodb = closed.tables, closed.engine.client("dynamodb")
    stream = closed.stage.environment["CONVERSIONS_STREAM_ARN"]
    before = dynamodb.scan(TableName=closed.stage.settings.table("journal"))["Items"]
    assert len(list(tables.copy(AFTER_GRACE))) == len(tables.names) >= 7
    assert closed.wrong(tables.copies) == []

    assert closed.delete_items("journal") > 3
    assert closed.delete_items("conversions") == 3
    dynamodb.delete_table(TableName=closed.stage.settings.table("catalogue"))
    with pytest.raises((LinkledgerError, ClientError)):
        closed.wrong()

    assert len(list(tables.place())) == len(tables.names)
    assert closed.wrong() == []
    after = dynamodb.scan(TableName=closed.stage.settings.table("journal"))["Items"]
    assert sorted(map(str, after)) == sorted(map(str, before))
    table = dynamodb.describe_table(TableName=closed.stage.settings.table("conversions"))["Table"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert table["LatestStreamArn"] != stream
    ttl = dynamodb.describe_time_to_live(TableName=closed.stage.settings.table("clicks"))
    assert ttl["TimeToLiveDescription"]["AttributeName"] == "expires_at"


def test_the_stage_goes_on_after_a_restore(closed: Shop, clock: Any) -> None:
    list(closed.tables.copy(AFTER_GRACE))
    closed.delete_items("conversions")
    list(closed.tables.place())
    bootstrap.stores.cache_clear()
    stores = closed.stage.stores
    later = AFTER_GRACE + timedelta(days=3)
    closed.shop.sell(stores, later)
    reconcile(stores, later + timedelta(hours=1))
    close_program(stores, closed.shop.program.id, AFTER_GRACE + timedelta(days=31))
    books = stores.journal.books(closed.shop.program)
    assert books.closed_through == SEPTEMBER.next()
    assert closed.wrong() == []


def test_one_table_is_put_in_place_alone(closed: Shop) -> None:
    tables = closed.tables
    list(tables.copy(AFTER_GRACE, ["journal"]))
    closed.delete_items("journal")
    assert list(tables.place(["journal"])) == [closed.stage.settings.table("journal")]
    assert closed.wrong() == []


def test_damage_is_seen_in_the_copies_too(closed: Shop) -> None:
    dynamodb, name = closed.engine.client("dynamodb"), closed.stage.settings.table("journal")
    [entry, *_] = [item for item in dynamodb.scan(TableName=name)["Items"] if "partner" in item]
    dynamodb.delete_item(TableName=name, Key={"pk": entry["pk"], "sk": entry["sk"]})
    list(closed.tables.copy(AFTER_GRACE))
    assert closed.wrong(closed.tables.copies) != []


def test_nothing_is_put_in_place_without_every_copy(closed: Shop) -> None:
    list(closed.tables.copy(AFTER_GRACE, ["journal"]))
    with pytest.raises(DeployError, match="restore the copies first"):
        list(closed.tables.place())
    assert closed.wrong() == []


def test_copies_of_another_moment_are_not_mixed(closed: Shop) -> None:
    list(closed.tables.copy(AFTER_GRACE, ["journal"]))
    with pytest.raises(DeployError, match="there already"):
        list(closed.tables.copy(AFTER_GRACE))


def test_published_files_that_were_hidden_come_back_byte_for_byte(closed: Shop) -> None:
    keys = closed.published()
    bodies = {key: closed.stage.stores.bucket.find(key) for key in keys}
    for key in keys:
        closed.stage.stores.bucket.delete(key)
    assert closed.published() == set()
    back = list(closed.ledgers.bring_back(None, AFTER_GRACE))
    assert set(back) == keys
    assert back[-1].endswith("/manifest.json")
    assert {key: closed.stage.stores.bucket.find(key) for key in keys} == bodies
    assert list(closed.ledgers.damaged()) == []
    assert closed.wrong() == []


def test_published_files_come_back_from_the_replica_where_their_bucket_is_lost(closed: Shop) -> None:
    s3, replica = closed.engine.client("s3"), closed.stage.settings.ledger_bucket
    other = f"{replica}-2"
    s3.create_bucket(Bucket=other, ObjectLockEnabledForBucket=True)
    back = Ledgers(s3, other, "COMPLIANCE")
    assert set(back.bring_back(replica, AFTER_GRACE)) == closed.published()
    assert list(back.damaged()) == []
    there = replace(closed.stage.settings, ledger_bucket=other)
    assert problems(Stores(there), [].append) == []
    assert list(back.bring_back(replica, AFTER_GRACE)) == []


def test_a_file_that_was_changed_is_named_and_left(closed: Shop) -> None:
    [key] = [key for key in closed.published() if key.endswith("summary.csv")]
    closed.engine.client("s3").put_object(
        Bucket=closed.stage.settings.ledger_bucket, Key=key, Body=b"partner,currency\n"
    )
    assert list(closed.ledgers.bring_back(None, AFTER_GRACE)) == []
    assert list(closed.ledgers.damaged()) == [key]
