"""The lines of a cart's order, and who the customer is, as far as the cart tells them in a form of use.

What a customer paid for each line, discounts taken off and taxes on top, so that the lines and the delivery
add up to the order's amount. Whatever is odd in them never keeps an order out: it stands without its lines.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence

from chalicelib.domain.conversion import Item
from chalicelib.domain.errors import Invalid
from chalicelib.domain.incoming import MAX_ITEM_TEXT, MAX_ITEMS, MAX_QUANTITY
from chalicelib.domain.money import MAX_AMOUNT_MINOR

CATEGORY_NAMES = ("ll_category", "_ll_category")
"""Under which a shop may tell a line's category, as carts have none of their own."""

_MAX_EMAIL = 254


def items_of(read: Callable[[], Iterable[Item]]) -> tuple[Item, ...]:
    """The lines, those of one product as one; none where they can't be read or are too many."""
    merged: dict[str, Item] = {}
    try:
        for item in read():
            known = merged.get(item.sku)
            quantity = item.quantity + (known.quantity if known else 0)
            amount = item.amount_minor + (known.amount_minor if known else 0)
            category = known.category if known else item.category
            merged[item.sku] = Item(item.sku, quantity, amount, category)
    except Invalid:
        return ()
    within = all(i.quantity <= MAX_QUANTITY and i.amount_minor <= MAX_AMOUNT_MINOR for i in merged.values())
    return tuple(merged.values()) if within and len(merged) <= MAX_ITEMS else ()


def line(names: Sequence[object], quantity: object, amount_minor: int, category: object = None) -> Item:
    """One line, called by the first of these names that there is.

    Raises:
        Invalid: `items_invalid`, it has no name, or a quantity or amount that no line has.
    """
    sku = next((text for text in map(_text, names) if text), None)
    if sku is None or amount_minor < 0:
        raise Invalid("items_invalid", "a line needs a product and an amount")
    return Item(sku, pieces(quantity), amount_minor, _text(category))


def pieces(quantity: object) -> int:
    """How many pieces a line has.

    Raises:
        Invalid: `items_invalid`.
    """
    if isinstance(quantity, bool) or not isinstance(quantity, int) or quantity < 1:
        raise Invalid("items_invalid", "a line has at least one piece")
    return quantity


def email_of(*told: object) -> str | None:
    """The first that can be an e-mail address; of it only a digest is ever kept."""
    texts = (text for text in told if isinstance(text, str) and len(text) <= _MAX_EMAIL)
    return next((text for text in texts if _is_address(text)), None)


def _is_address(text: str) -> bool:
    name, at, domain = text.rpartition("@")
    return bool(name and at and domain) and _printable(text) == text


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int) or not value:
        return None
    return _printable(str(value)).strip()[:MAX_ITEM_TEXT].strip() or None


def _printable(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cs", "Co", "Cn"})
