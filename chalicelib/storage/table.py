"""DynamoDB, as the stores use it: reads, conditional writes and transactions, with failures translated.

A conditional write whose answer was lost is retried by the SDK, and then fails on its own success. So a
failed condition never says by itself who won: callers read back and compare before they judge.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.domain.errors import Unavailable
from chalicelib.settings import Settings
from chalicelib.storage import aws
from chalicelib.storage.codec import Item, decode_item, encode, encode_item
from chalicelib.storage.conditions import ABSENT, Condition, as_arguments, equals

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

TRANSACTION_LIMIT = 100
"""Actions in one transaction (DynamoDB's own limit)."""

MAX_HASH_BYTES, MAX_RANGE_BYTES = 2048, 1024
"""Bytes of the two parts of a key; neither may be empty (DynamoDB's own limits)."""

_CONFLICT_ATTEMPTS = 6


class ConditionFailed(Exception):
    """A condition did not hold; `failed` are the positions of the actions whose conditions did not."""

    def __init__(self, failed: tuple[int, ...]) -> None:
        super().__init__(f"condition failed at {failed}")
        self.failed = failed


@dataclass(frozen=True, slots=True)
class Page:
    """Some items, and the key to go on from (None at the end)."""

    items: list[Item]
    next_key: Item | None


class Table:
    """One table of the stage. Keys are `(pk, sk)` strings; items are plain dicts that hold both."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.name = settings.table(name)

    def find(self, pk: str, sk: str, *, consistent: bool = True) -> Item | None:
        """The item, or None: also for a key that no item can have, which clients may well ask for."""
        if not (_fits(pk, MAX_HASH_BYTES) and _fits(sk, MAX_RANGE_BYTES)):
            return None
        answer = call("get_item", TableName=self.name, Key=_key(pk, sk), ConsistentRead=consistent)
        return decode_item(answer["Item"]) if "Item" in answer else None

    def put(self, item: Item) -> None:
        """Write the item, whatever is there."""
        call("put_item", TableName=self.name, Item=encode_item(item))

    def put_once(self, item: Item) -> bool:
        """Write the item where there is none with its key; False where there is one (perhaps this one)."""
        try:
            call("put_item", **self.put_action(item, ABSENT)["Put"])
        except ConditionFailed:
            return False
        return True

    def delete(self, pk: str, sk: str) -> None:
        """Remove the item, if it is there."""
        call("delete_item", TableName=self.name, Key=_key(pk, sk))

    def delete_if(self, pk: str, sk: str, name: str, value: object) -> None:
        """Remove the item where the attribute still has this value; otherwise leave it."""
        condition = as_arguments(equals(name, value))
        try:
            call("delete_item", TableName=self.name, Key=_key(pk, sk), **condition)
        except ConditionFailed:
            return

    def update(self, pk: str, sk: str, changes: Mapping[str, object], condition: Condition) -> None:
        """Set attributes (None removes one) where the condition holds.

        Raises:
            ConditionFailed: it doesn't.
        """
        call("update_item", **self.update_action(pk, sk, changes, condition)["Update"])

    def add(self, pk: str, sk: str, name: str, amount: int, others: Mapping[str, object]) -> int:
        """Add to a counter, which starts at 0, and set the other attributes; the new total.

        Repeated by the SDK where an answer was lost, it may add twice.
        """
        names = {"#n": name} | {f"#o{position}": other for position, other in enumerate(others)}
        values = {":n": amount} | {f":o{position}": other for position, other in enumerate(others.values())}
        sets = ", ".join(f"#o{position} = :o{position}" for position in range(len(others)))
        answer = call(
            "update_item",
            TableName=self.name,
            Key=_key(pk, sk),
            UpdateExpression=f"ADD #n :n SET {sets}",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=encode_item(values),
            ReturnValues="UPDATED_NEW",
        )
        return int(decode_item(answer["Attributes"])[name])

    def query(
        self,
        pk: str,
        *,
        prefix: str = "",
        first: str | None = None,
        last: str | None = None,
        newest_first: bool = False,
        consistent: bool = True,
    ) -> Iterator[Item]:
        """Every item of the partition whose sort key has the prefix, or lies in first..last; page by page."""
        return every(
            lambda start: self.page(
                "pk",
                "sk",
                pk,
                prefix=prefix,
                first=first,
                last=last,
                newest_first=newest_first,
                consistent=consistent,
                start=start,
            )
        )

    def page(
        self,
        hash_name: str,
        range_name: str,
        hash_value: str,
        *,
        index: str | None = None,
        prefix: str = "",
        first: str | None = None,
        last: str | None = None,
        newest_first: bool = False,
        consistent: bool = False,
        limit: int | None = None,
        start: Item | None = None,
    ) -> Page:
        """One page of a query on the table or on an index (which cannot be read consistently).

        For a key that no item can have it is empty.
        """
        if not _fits(hash_value, MAX_HASH_BYTES) or len(prefix.encode()) > MAX_RANGE_BYTES:
            return Page([], None)
        names = {"#h": hash_name}
        values: dict[str, object] = {":h": hash_value}
        expression = "#h = :h"
        if first is not None or last is not None:
            names["#r"] = range_name
            values |= {":first": first or "\x00", ":last": last or "\U0010ffff"}
            expression += " AND #r BETWEEN :first AND :last"
        elif prefix:
            names["#r"] = range_name
            values[":prefix"] = prefix
            expression += " AND begins_with(#r, :prefix)"
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": expression,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": encode_item(values),
            "ScanIndexForward": not newest_first,
            "ConsistentRead": consistent and index is None,
        }
        if index:
            arguments["IndexName"] = index
        if limit is not None:
            arguments["Limit"] = limit
        if start is not None:
            arguments["ExclusiveStartKey"] = encode_item(start)
        answer = call("query", **arguments)
        last_key = answer.get("LastEvaluatedKey")
        return Page(
            [decode_item(item) for item in answer["Items"]], decode_item(last_key) if last_key else None
        )

    def put_action(self, item: Item, condition: Condition | None = None) -> dict[str, Any]:
        """A put, for a transaction."""
        return {"Put": {"TableName": self.name, "Item": encode_item(item), **as_arguments(condition)}}

    def update_action(
        self, pk: str, sk: str, changes: Mapping[str, object], condition: Condition | None = None
    ) -> dict[str, Any]:
        """An update that sets attributes and removes those given as None, for a transaction.

        What a later version keeps in the item besides stays: so this, and no put, is how an item changes.
        """
        names = dict(condition.names) if condition else {}
        values = encode_item(condition.values) if condition else {}
        sets, removals = [], []
        for position, (name, value) in enumerate(changes.items()):
            names[f"#n{position}"] = name
            if value is None:
                removals.append(f"#n{position}")
            else:
                sets.append(f"#n{position} = :v{position}")
                values[f":v{position}"] = encode(value)
        clauses = [f"SET {', '.join(sets)}"] if sets else []
        clauses += [f"REMOVE {', '.join(removals)}"] if removals else []
        update = {
            "TableName": self.name,
            "Key": _key(pk, sk),
            "UpdateExpression": " ".join(clauses),
            "ExpressionAttributeNames": names,
        }
        if condition:
            update["ConditionExpression"] = condition.expression
        return {"Update": update | ({"ExpressionAttributeValues": values} if values else {})}

    def add_action(self, pk: str, sk: str, amounts: Mapping[str, int]) -> dict[str, Any]:
        """An addition to counters, which start at 0, for a transaction."""
        names = {f"#n{position}": name for position, name in enumerate(amounts)}
        values = {f":v{position}": amount for position, amount in enumerate(amounts.values())}
        expression = ", ".join(f"#n{position} :v{position}" for position in range(len(amounts)))
        return {
            "Update": {
                "TableName": self.name,
                "Key": _key(pk, sk),
                "UpdateExpression": f"ADD {expression}",
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": encode_item(values),
            }
        }

    def check_action(self, pk: str, sk: str, condition: Condition) -> dict[str, Any]:
        """A condition on an item that is not written, for a transaction."""
        return {"ConditionCheck": {"TableName": self.name, "Key": _key(pk, sk), **as_arguments(condition)}}

    def delete_action(self, pk: str, sk: str, condition: Condition | None = None) -> dict[str, Any]:
        """A removal, for a transaction."""
        return {"Delete": {"TableName": self.name, "Key": _key(pk, sk), **as_arguments(condition)}}


def every(page_from: Callable[[Item | None], Page]) -> Iterator[Item]:
    """The items of all pages, each read from the key at which the one before it ended, when it is come to."""
    start: Item | None = None
    while True:
        page = page_from(start)
        yield from page.items
        if page.next_key is None:
            return
        start = page.next_key


def transact(actions: Sequence[dict[str, Any]]) -> None:
    """Carry out all the actions or none.

    Raises:
        ConditionFailed: with the positions of the actions whose conditions did not hold.
        Unavailable: storage is away.
        ValueError: more actions than one transaction takes.
    """
    if len(actions) > TRANSACTION_LIMIT:
        raise ValueError(f"a transaction takes {TRANSACTION_LIMIT} actions, not {len(actions)}")
    call("transact_write_items", TransactItems=list(actions))


def call(operation: str, **arguments: Any) -> dict[str, Any]:
    """One call of DynamoDB, its failures translated; conflicts with transactions are retried a few times.

    Raises:
        ConditionFailed: a condition did not hold.
        Unavailable: storage is away, or the conflicts did not end.
    """
    for attempt in range(_CONFLICT_ATTEMPTS):
        try:
            return _call_once(operation, arguments)
        except _Conflict:
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter, no secret
    raise Unavailable("storage_busy", "the record is being changed by others; try again")


def _call_once(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    method: Callable[..., dict[str, Any]] = getattr(aws.client("dynamodb"), operation)
    try:
        return method(**arguments)
    except aws.failures() as error:
        raise _translate(error) from error


class _Conflict(Exception):
    """Another transaction holds an item of this one."""


def _translate(error: "ClientError | BotoCoreError") -> Exception:
    from botocore.exceptions import ClientError

    away = Unavailable("storage_unavailable", "storage does not answer; try again")
    if not isinstance(error, ClientError):
        return away
    code: str = error.response["Error"]["Code"]
    untranslated: Exception = error
    if code == "ConditionalCheckFailedException":
        return ConditionFailed((0,))
    if code == "TransactionCanceledException":
        reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
        failed = tuple(i for i, reason in enumerate(reasons) if reason == "ConditionalCheckFailed")
        if failed:
            return ConditionFailed(failed)
        if "TransactionConflict" in reasons:
            return _Conflict()
        if "ValidationError" in reasons:
            return untranslated
        return away
    if code in {"TransactionConflictException", "TransactionInProgressException"}:
        return _Conflict()
    if code in {"ValidationException", "AccessDeniedException", "ResourceNotFoundException"}:
        return untranslated
    return away


def _fits(part: str, most: int) -> bool:
    return 1 <= len(part.encode()) <= most


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}
