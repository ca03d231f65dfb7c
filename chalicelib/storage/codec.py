"""Values to DynamoDB's typed form and back: text, integers, booleans, None, lists and maps.

Not boto3's serializer, because that returns every number as a Decimal and accepts ones that are no
integers; money and counts are integers here, and nothing else is stored.
"""

from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]


def encode(value: object) -> dict[str, Any]:
    """The typed form of one value.

    Raises:
        ValueError: for a float, or any other type that has no exact form here.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": str(value)}
        case int():
            return {"N": str(value)}
        case Mapping():
            return {"M": encode_item(value)}
        case list() | tuple():
            return {"L": [encode(element) for element in value]}
    raise ValueError(f"cannot store a {type(value).__name__}")


def decode(typed: Mapping[str, Any]) -> Any:
    """The value of one typed form."""
    ((kind, value),) = typed.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value)
        case "NULL":
            return None
        case "M":
            return decode_item(value)
        case "L":
            return [decode(element) for element in value]
    raise ValueError(f"cannot read a stored {kind}")


def encode_item(item: Mapping[str, object]) -> Item:
    """A whole item in typed form."""
    return {name: encode(value) for name, value in item.items()}


def decode_item(item: Mapping[str, Any]) -> Item:
    """A whole item from its typed form."""
    return {name: decode(typed) for name, typed in item.items()}


def compact(item: Item) -> Item:
    """The item without what is absent: None, empty texts, lists and maps."""
    return {name: value for name, value in item.items() if value not in (None, "", [], {})}


def changed(before: Item, after: Item) -> dict[str, object]:
    """What differs between two records of one thing, for an update; None where it is there no more."""
    names = sorted(before.keys() | after.keys())
    return {name: after.get(name) for name in names if before.get(name) != after.get(name)}
