from datetime import UTC, datetime, timedelta

import pytest

from local import provision
from local.engine import REGION
from local.sweep import sweep

NOW = datetime(2031, 5, 1, tzinfo=UTC)


@pytest.fixture
def tables(stage):
    return list(provision.expiring_tables(stage.environment["TABLE_PREFIX"], "http://localhost", REGION))


def put(engine, table, key, expires_at):
    item = {"pk": {"S": key}, "sk": {"S": "x"}}
    if expires_at is not None:
        item["expires_at"] = {"N": str(int(expires_at.timestamp()))}
    engine.client("dynamodb").put_item(TableName=table, Item=item)


def keys(engine, table):
    return {item["pk"]["S"] for item in engine.client("dynamodb").scan(TableName=table)["Items"]}


def test_what_is_over_by_the_given_clock_goes_and_the_rest_stays(engine, tables):
    for table, _ in tables:
        put(engine, table, "over", NOW - timedelta(seconds=1))
        put(engine, table, "just over", NOW)
        put(engine, table, "alive", NOW + timedelta(seconds=1))
        put(engine, table, "for ever", None)
    assert sweep(engine, tables, NOW) == 2 * len(tables)
    for table, _ in tables:
        assert keys(engine, table) == {"alive", "for ever"}


def test_a_clock_in_the_past_keeps_what_the_system_clock_would_end(engine, tables):
    past = datetime(2019, 1, 1, tzinfo=UTC)
    put(engine, tables[0][0], "alive then", past + timedelta(days=1))
    assert sweep(engine, tables, past) == 0
    assert keys(engine, tables[0][0]) == {"alive then"}


def test_more_than_a_page_is_swept(engine, tables):
    table = tables[0][0]
    over = {"N": str(int(NOW.timestamp()) - 1)}
    for first in range(0, 600, 25):
        items = [{"pk": {"S": f"k{first + n}"}, "sk": {"S": "x"}} for n in range(25)]
        for item in items[:5]:
            item["expires_at"] = over
        requests = [{"PutRequest": {"Item": item}} for item in items]
        engine.client("dynamodb").batch_write_item(RequestItems={table: requests})
    assert sweep(engine, tables, NOW) == 120
    assert len(keys(engine, table)) == 480
