"""What Lambda does between streams or queues and functions: batches, in order, until they are processed.

A batch that fails comes again, from the first record that its function did not report as done. Progress is
kept by dropping the records that every function of the stream is done with, so that after any stop a function
gets at least all that it had not finished; duplicates are its own affair, as in AWS.
"""

import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from local.engine import REGION, Engine
from local.functions import QueueSource, StreamSource

_SHARD = "shardId-00000000000000000000-00000000"
"""The engine's streams have one shard each."""

_BATCH_PAUSE_S = 0.1
_GATHER_S = 0.05
_IDLE_S = 1.0
_MOST_PAUSE_S = 10.0
_MOST_ROUNDS = 10_000
_READS = 20
"""How often a stream is begun anew, where another stack on the engine drops what it has done."""

Invoke = Callable[[str, dict[str, Any]], Any]
"""Calls a function with an event."""


class Worker(Protocol):
    """Feeds one function."""

    name: str

    def step(self) -> int:
        """Process one batch; how many records are done with. 0: nothing there, or the batch failed."""
        ...

    @property
    def failing(self) -> bool:
        """Whether the last batch failed."""
        ...


class Progress:
    """How far the functions of each stream are; drops from the stream what all of them are done with."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._done: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def register(self, table: str, function: str) -> None:
        """Keep the table's records until this function, too, is done with them."""
        self._done.setdefault(table, {})[function] = ""

    def advance(self, table: str, function: str, through: str) -> None:
        """The function is done with all records up to this sequence number."""
        with self._lock:
            before = min(self._done[table].values())
            self._done[table][function] = through
            after = min(self._done[table].values())
            if after > before:
                self._engine.drop_records(table, after)


class StreamWorker:
    """Feeds one function from one table's stream."""

    def __init__(self, engine: Engine, source: StreamSource, progress: Progress, invoke: Invoke) -> None:
        self.name = source.function
        self.failing = False
        self._streams = engine.client("dynamodbstreams")
        self._source = source
        self._table = source.stream_arn.split("table/", 1)[1].split("/", 1)[0]
        self._progress = progress
        self._invoke = invoke
        self._iterator: str | None = None
        self._lock = threading.Lock()
        progress.register(self._table, source.function)

    def step(self) -> int:
        """Process one batch of records in their order."""
        with self._lock:
            page = self._page()
            records = [self._as_event(record) for record in page["Records"]]
            if not records:
                self._iterator = page["NextShardIterator"]
                return 0
            done = self._process(records)
            self.failing = done < len(records)
            if done:
                last = records[done - 1]["dynamodb"]["SequenceNumber"]
                self._progress.advance(self._table, self.name, last)
                self._iterator = self._iterator_after(last) if self.failing else page["NextShardIterator"]
            return done

    def _page(self) -> dict[str, Any]:
        limit = self._source.batch_size
        for _ in range(_READS):
            iterator = self._iterator or self._oldest()
            try:
                page: dict[str, Any] = self._streams.get_records(ShardIterator=iterator, Limit=limit)
            except ClientError:
                self._iterator = None  # It expired, or what it points at was dropped meanwhile.
            else:
                self._iterator = iterator
                return page
        raise ConnectionError(f"the stream of {self._table} cannot be read")

    def _oldest(self) -> str:
        return str(
            self._streams.get_shard_iterator(
                StreamArn=self._source.stream_arn, ShardId=_SHARD, ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
        )

    def _iterator_after(self, sequence: str) -> str | None:
        try:
            answer = self._streams.get_shard_iterator(
                StreamArn=self._source.stream_arn,
                ShardId=_SHARD,
                ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                SequenceNumber=sequence,
            )
        except ClientError:
            return None  # Dropped already: the oldest record is the next one.
        return str(answer["ShardIterator"])

    def _as_event(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The record as Lambda passes it on: times as numbers, and the stream it is from."""
        change = dict(record["dynamodb"])
        created = change.get("ApproximateCreationDateTime")
        if created is not None:
            change["ApproximateCreationDateTime"] = int(created.timestamp())
        return {**record, "dynamodb": change, "eventSourceARN": self._source.stream_arn}

    def _event(self, records: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The event of a batch, of a function with a tumbling window too: only those are told the shard."""
        return {
            "Records": list(records),
            "window": {"start": "1970-01-01T00:00:00Z", "end": "9999-12-31T23:59:59Z"},
            "state": {},
            "shardId": _SHARD,
            "eventSourceARN": self._source.stream_arn,
            "isFinalInvokeForWindow": False,
            "isWindowTerminatedEarly": False,
        }

    def _process(self, records: Sequence[dict[str, Any]]) -> int:
        """Call the function; how many of the records, from the first on, are done with."""
        try:
            answer = self._invoke(self.name, self._event(records))
        except Exception:
            traceback.print_exc()
            return 0
        failed = _reported_failures(answer)
        sequences = [record["dynamodb"]["SequenceNumber"] for record in records]
        return min((sequences.index(one) if one in sequences else 0 for one in failed), default=len(records))


class QueueWorker:
    """Feeds one function from one queue."""

    def __init__(self, engine: Engine, source: QueueSource, invoke: Invoke) -> None:
        self.name = source.function
        self.failing = False
        self._sqs = engine.client("sqs")
        self._url = self._sqs.get_queue_url(QueueName=source.queue)["QueueUrl"]
        self._source = source
        self._invoke = invoke
        self._lock = threading.Lock()

    def step(self) -> int:
        """Process one batch of messages; those that failed come again when their invisibility is over."""
        with self._lock:
            messages = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(self._source.batch_size, 10),
                AttributeNames=["All"],
            ).get("Messages", [])
            if not messages:
                self.failing = False
                return 0
            try:
                answer = self._invoke(self.name, {"Records": [self._as_event(one) for one in messages]})
                failed = set(_reported_failures(answer))
            except Exception:
                traceback.print_exc()
                failed = {one["MessageId"] for one in messages}
            done = [one for one in messages if one["MessageId"] not in failed]
            for message in done:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            self.failing = bool(failed)
            return len(done)

    def _as_event(self, message: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": message.get("MessageAttributes", {}),
            "md5OfBody": message.get("MD5OfBody", ""),
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:000000000000:{self._source.queue}",
            "awsRegion": REGION,
        }


def _reported_failures(answer: Any) -> list[str]:
    """The records that a partial batch response reports as failed (Lambda's ReportBatchItemFailures)."""
    failures = answer.get("batchItemFailures", []) if isinstance(answer, Mapping) else []
    return [str(failure["itemIdentifier"]) for failure in failures]


class Workers:
    """All workers, each in a thread: at once when something may have happened, else now and then."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers
        self._stopping = threading.Event()
        self._news = [threading.Event() for _ in workers]
        self._threads = [
            threading.Thread(target=self._run, args=(worker, news), name=worker.name, daemon=True)
            for worker, news in zip(workers, self._news, strict=True)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Something may have been written."""
        for news in self._news:
            news.set()

    def drain(self) -> None:
        """Process until there is nothing left; what one function writes for another is followed too."""
        for _ in range(_MOST_ROUNDS):
            if not sum(worker.step() for worker in self._workers):
                return

    def stop(self) -> None:
        """Finish what is there, and end."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            thread.join()
        self.drain()

    def _run(self, worker: Worker, news: threading.Event) -> None:
        pause = 0.0
        while not self._stopping.is_set():
            done, failing = self._step(worker)
            if done:
                pause = 0.0
                self._stopping.wait(_BATCH_PAUSE_S)
            elif failing:
                pause = min(2 * pause or 0.2, _MOST_PAUSE_S)
                self._stopping.wait(pause)
            else:
                pause = 0.0
                news.wait(_IDLE_S)
                news.clear()
                self._stopping.wait(_GATHER_S)

    def _step(self, worker: Worker) -> tuple[int, bool]:
        try:
            return worker.step(), worker.failing
        except (BotoCoreError, ClientError, OSError):
            if not self._stopping.is_set():
                traceback.print_exc()
            return 0, True
