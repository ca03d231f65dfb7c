import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local import provision
from local.engine import REGION, Engine

ROOT = Path(__file__).resolve().parents[2]


def made(engine):
    """A stage in this engine; its variables."""
    return provision.stage(engine.client, prefix="kept", base_url="http://localhost", region=REGION)


def put(engine, key, table="kept-clicks"):
    engine.client("dynamodb").put_item(TableName=table, Item={"pk": {"S": key}, "sk": {"S": "x"}})


def keys(engine, table="kept-clicks"):
    return {item["pk"]["S"] for item in engine.client("dynamodb").scan(TableName=table)["Items"]}


def stream_keys(engine, stage):
    """The partition keys of the records still in the stream of clicks."""
    streams = engine.client("dynamodbstreams")
    iterator = streams.get_shard_iterator(
        StreamArn=stage["CLICKS_STREAM_ARN"],
        ShardId="shardId-00000000000000000000-00000000",
        ShardIteratorType="TRIM_HORIZON",
    )["ShardIterator"]
    records = streams.get_records(ShardIterator=iterator)["Records"]
    return [(one["dynamodb"]["Keys"]["pk"]["S"], one["dynamodb"]["SequenceNumber"]) for one in records]


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def test_a_stop_and_restart_loses_nothing(tmp_path):
    with Engine(tmp_path) as engine:
        stage = made(engine)
        put(engine, "a")
        engine.client("s3").put_object(
            Bucket=stage["LEDGER_BUCKET"], Key="ledgers/x.csv", Body=b"1,2", ContentType="text/csv"
        )
        secret = engine.client("secretsmanager").get_secret_value(SecretId=stage["SECRETS_ID"])
    with Engine(tmp_path) as engine:
        assert made(engine) == stage
        assert keys(engine) == {"a"}
        found = engine.client("s3").get_object(Bucket=stage["LEDGER_BUCKET"], Key="ledgers/x.csv")
        assert (found["Body"].read(), found["ContentType"]) == (b"1,2", "text/csv")
        again = engine.client("secretsmanager").get_secret_value(SecretId=stage["SECRETS_ID"])
        assert again["SecretString"] == secret["SecretString"]


def test_a_kill_loses_nothing_that_was_saved_and_the_engine_saves_by_itself(tmp_path):
    engine = Engine(tmp_path).start()
    made(engine)
    put(engine, "a")
    engine.save()
    state = tmp_path / "state" / "dynamodb.json"
    put(engine, "b")
    wait_until(lambda: '"b"' in state.read_text())
    engine.kill()
    with Engine(tmp_path) as engine:
        assert keys(engine) == {"a", "b"}


def test_a_kill_in_the_middle_of_writing_leaves_a_whole_state(tmp_path):
    engine = Engine(tmp_path).start()
    made(engine)
    for number in range(400):
        put(engine, f"k{number:03d}")
        if number % 40 == 0:
            engine.save()
    engine.kill()
    with Engine(tmp_path) as engine:
        kept = keys(engine)
        assert kept == {f"k{number:03d}" for number in range(len(kept))}
        assert len(kept) > 360


def test_stream_records_not_yet_processed_outlive_a_kill_and_those_done_with_are_gone(tmp_path):
    engine = Engine(tmp_path).start()
    stage = made(engine)
    for key in "abc":
        put(engine, key)
    (_, first), _, _ = stream_keys(engine, stage)
    engine.drop_records("kept-clicks", first)
    engine.save()
    engine.kill()
    with Engine(tmp_path) as engine:
        assert [key for key, _ in stream_keys(engine, stage)] == ["b", "c"]
        put(engine, "d")
        records = stream_keys(engine, stage)
        assert [key for key, _ in records] == ["b", "c", "d"]
        assert records == sorted(records, key=lambda record: record[1])


def test_the_engine_saves_and_ends_when_its_parent_is_killed(tmp_path):
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tests.local.test_engine import made, put\n"
        "from local.engine import Engine\n"
        f"engine = Engine(Path({str(tmp_path)!r})).start()\n"
        "made(engine)\n"
        "put(engine, 'a')\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout.readline() == b"ready\n"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    with Engine(tmp_path) as engine:
        assert keys(engine) == {"a"}


def test_the_engine_listens_on_the_loopback_interface_alone(engine):
    port = int(engine.url.rpartition(":")[2])
    rows = Path("/proc/net/tcp").read_text().split("\n")[1:]
    bound = {row.split()[1] for row in rows if row and row.split()[3] == "0A"}
    assert f"0100007F:{port:04X}" in bound
    assert f"00000000:{port:04X}" not in bound


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_REGION"])
def test_its_environment_leads_clients_to_it(engine, name):
    assert engine.environment[name]
    assert os.environ.get("AWS_ENDPOINT_URL") != engine.url
