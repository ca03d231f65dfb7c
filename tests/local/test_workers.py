import json

import pytest

from local.functions import QueueSource, StreamSource
from local.workers import Progress, QueueWorker, StreamWorker, Workers


class Function:
    """Keeps the keys of every batch that it is given; fails or reports failures as told."""

    def __init__(self):
        self.batches = []
        self.events = []
        self.answers = []

    def __call__(self, name, event):
        self.events.append(event)
        records = event["Records"]
        self.batches.append([self._key(record) for record in records])
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer(records) if callable(answer) else answer

    @staticmethod
    def _key(record):
        return record["dynamodb"]["Keys"]["pk"]["S"] if "dynamodb" in record else record["body"]


def failing_from(position):
    def answer(records):
        sequence = records[position]["dynamodb"]["SequenceNumber"]
        return {"batchItemFailures": [{"itemIdentifier": sequence}]}

    return answer


@pytest.fixture
def function():
    return Function()


@pytest.fixture
def a_worker(engine, stage):
    def make(function, name="count", batch_size=10, progress=None):
        source = StreamSource(name, stage.environment["CLICKS_STREAM_ARN"], batch_size)
        return StreamWorker(engine, source, progress or Progress(engine), function)

    return make


@pytest.fixture
def put(engine, stage):
    def put(*keys):
        for key in keys:
            engine.client("dynamodb").put_item(
                TableName=f"{stage.environment['TABLE_PREFIX']}-clicks",
                Item={"pk": {"S": key}, "sk": {"S": "x"}, "n": {"N": "1"}},
            )

    return put


def run(worker):
    while worker.step():
        pass


def test_records_come_in_their_order_in_batches_of_the_declared_size(a_worker, put, function):
    put("a", "b", "c")
    run(a_worker(function, batch_size=2))
    assert function.batches == [["a", "b"], ["c"]]


def test_a_record_looks_as_lambda_passes_it_on(a_worker, put, function, stage):
    put("a")
    run(a_worker(function))
    (record,) = function.events[0]["Records"]
    assert record["eventName"] == "INSERT"
    assert record["eventSource"] == "aws:dynamodb"
    assert record["eventSourceARN"] == stage.environment["CLICKS_STREAM_ARN"]
    assert record["eventID"]
    assert record["dynamodb"]["NewImage"] == {"pk": {"S": "a"}, "sk": {"S": "x"}, "n": {"N": "1"}}
    assert record["dynamodb"]["StreamViewType"] == "NEW_IMAGE"
    assert json.loads(json.dumps(record)) == record
    assert function.events[0]["shardId"].startswith("shardId-")


def test_a_batch_that_fails_comes_again_whole(a_worker, put, function, capsys):
    put("a", "b")
    function.answers = [RuntimeError("storage is away")]
    worker = a_worker(function)
    assert worker.step() == 0
    assert worker.failing
    put("c")
    run(worker)
    assert function.batches == [["a", "b"], ["a", "b", "c"]]
    assert not worker.failing
    assert "storage is away" in capsys.readouterr().err


def test_a_partly_failed_batch_comes_again_from_the_first_failure(a_worker, put, function):
    put("a", "b", "c")
    function.answers = [failing_from(1)]
    worker = a_worker(function)
    assert worker.step() == 1
    run(worker)
    assert function.batches == [["a", "b", "c"], ["b", "c"]]


def test_a_failure_of_an_unknown_record_brings_the_whole_batch_again(a_worker, put, function):
    put("a", "b")
    function.answers = [{"batchItemFailures": [{"itemIdentifier": ""}]}]
    run(a_worker(function))
    worker = a_worker(function)
    run(worker)
    assert function.batches == [["a", "b"], ["a", "b"]]


def test_a_worker_after_a_restart_gets_what_the_last_one_had_not_finished(a_worker, put, function):
    put("a", "b", "c")
    function.answers = [failing_from(1), RuntimeError("stopped here")]
    run(a_worker(function))
    put("d")
    after = Function()
    run(a_worker(after))
    assert after.batches == [["b", "c", "d"]]


def test_two_functions_of_one_stream_each_get_everything(a_worker, put, engine):
    put("a", "b")
    progress, first, second = Progress(engine), Function(), Function()
    one = a_worker(first, "one", progress=progress)
    two = a_worker(second, "two", progress=progress)
    run(one)
    second.answers = [RuntimeError("not yet")]
    run(two)
    put("c")
    run(one)
    run(two)
    assert first.batches == [["a", "b"], ["c"]]
    assert second.batches == [["a", "b"], ["a", "b", "c"]]


def test_what_every_function_is_done_with_is_no_longer_kept(a_worker, put, function):
    put("a", "b")
    run(a_worker(function))
    after = Function()
    run(a_worker(after))
    assert after.batches == []


@pytest.fixture
def queue(engine, stage, function):
    name = stage.environment["RECONCILE_QUEUE"]
    url = engine.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
    worker = QueueWorker(engine, QueueSource("shard", name, 10), function)

    def send(*bodies):
        for body in bodies:
            engine.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    def waiting():
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = engine.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return [int(found["Attributes"][name]) for name in names]

    return worker, send, waiting


def test_a_message_is_deleted_once_it_was_processed(queue, function):
    worker, send, waiting = queue
    send("one", "two")
    run(worker)
    assert sorted(key for batch in function.batches for key in batch) == ["one", "two"]
    assert function.events[0]["Records"][0]["eventSource"] == "aws:sqs"
    assert waiting() == [0, 0]


def test_a_message_that_failed_stays_in_the_queue(queue, function, capsys):
    worker, send, waiting = queue
    function.answers = [RuntimeError("no")]
    send("one")
    assert worker.step() == 0
    assert worker.failing
    assert waiting() == [0, 1]
    assert worker.step() == 0
    assert not worker.failing


def test_a_message_reported_as_failed_stays_alone(queue, function):
    worker, send, waiting = queue
    send("one", "two")

    def fail_two(records):
        return {
            "batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in records if r["body"] == "two"]
        }

    function.answers = [fail_two, fail_two]
    run(worker)
    assert waiting() == [0, 1]


def test_draining_follows_what_one_function_writes_for_another(a_worker, put, engine):
    seen = []

    def write_more(name, event):
        keys = [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]]
        seen.extend(keys)
        for key in keys:
            if len(key) < 4:
                put(key + "x")

    put("a")
    Workers([a_worker(write_more)]).drain()
    assert seen == ["a", "ax", "axx", "axxx"]


def test_workers_process_by_themselves_and_finish_when_stopped(a_worker, put, function):
    workers = Workers([a_worker(function)])
    workers.start()
    put("a", "b")
    workers.wake()
    put("c")
    workers.stop()
    assert [key for batch in function.batches for key in batch] == ["a", "b", "c"]
