"""What must hold of an item for a write to be carried out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.storage.codec import encode_item

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition expression, with its own names (`#x`) and values (`:x`)."""

    expression: str
    names: Mapping[str, str]
    values: Mapping[str, object]


ABSENT = Condition("attribute_not_exists(#pk)", {"#pk": "pk"}, {})
"""There is no item with this key."""

PRESENT = Condition("attribute_exists(#pk)", {"#pk": "pk"}, {})
"""There is an item with this key."""


def equals(name: str, value: object) -> Condition:
    """The attribute has this value."""
    return Condition("#eq = :eq", {"#eq": name}, {":eq": value})


def unchanged(values: Mapping[str, object]) -> Condition:
    """The attributes still have these values (None: there is no such attribute)."""
    names = {f"#u{position}": name for position, name in enumerate(values)}
    held: dict[str, object] = {}
    clauses = ["attribute_exists(#pk)"]
    for position, value in enumerate(values.values()):
        if value is None:
            clauses.append(f"attribute_not_exists(#u{position})")
        else:
            clauses.append(f"#u{position} = :u{position}")
            held[f":u{position}"] = value
    return Condition(" AND ".join(clauses), {"#pk": "pk", **names}, held)


def as_arguments(condition: Condition | None) -> dict[str, Any]:
    """The condition as calls of DynamoDB take it."""
    if condition is None:
        return {}
    expression: dict[str, Any] = {
        "ConditionExpression": condition.expression,
        "ExpressionAttributeNames": dict(condition.names),
    }
    if condition.values:
        expression["ExpressionAttributeValues"] = encode_item(condition.values)
    return expression
