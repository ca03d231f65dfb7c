"""Findings of a reconciliation as people and programs get them: grouped, and as a CSV with every row."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, BinaryIO

from chalicelib.domain import spreadsheet
from chalicelib.domain.conversion import State
from chalicelib.domain.money import format_major
from chalicelib.domain.reconciliation import Finding, Kind, Remedy
from chalicelib.storage.stores import Stores

SHOWN = 200
"""Rows of a group that the result itself shows; the CSV has them all."""

_GROUPS = {
    "matched": (Kind.MATCHED,),
    "different": (Kind.AMOUNT_DIFFERS, Kind.STATUS_DIFFERS),
    "missing": (Kind.MISSING_HERE, Kind.MISSING_THERE),
    "ignored": (Kind.IGNORED,),
    "unreadable": (Kind.UNREADABLE,),
}
_COLUMNS = (
    "finding",
    "reason",
    "line",
    "order_id",
    "conversion",
    "state",
    "currency",
    "amount_here",
    "amount_there",
    "partners",
    "remedy",
    "refund",
    "receipt",
)


def grouped(stores: Stores, found: Sequence[Finding]) -> dict[str, Any]:
    """The first rows of each group, and whether some were left out; amounts in minor units."""
    groups = {
        name: [finding for finding in found if finding.kind in kinds] for name, kinds in _GROUPS.items()
    }
    rows = {name: [_row(stores, one) for one in group[:SHOWN]] for name, group in groups.items()}
    return {**rows, "truncated": any(len(group) > SHOWN for group in groups.values())}


def as_csv(stores: Stores, found: Iterable[Finding]) -> BinaryIO:
    """Every finding as a line; amounts decimal, in the currency's own digits."""
    lines = io.BytesIO()
    lines.write(spreadsheet.line(_COLUMNS).encode())
    for finding in found:
        row = _row(stores, finding)
        for name in ("amount_here", "amount_there", "refund"):
            if row[name] is not None:
                row[name] = format_major(row[name], finding.currency or "")
        row["partners"] = " ".join(row["partners"])
        cells = ["" if row[name] is None else spreadsheet.safe(str(row[name])) for name in _COLUMNS]
        lines.write(spreadsheet.line(cells).encode())
    return lines


def record(finding: Finding) -> dict[str, Any]:
    """A finding as JSON."""
    return asdict(finding)


def read(record: dict[str, Any]) -> Finding:
    """The finding that `record` made."""
    state = State(record["state"]) if record["state"] else None
    kinds = {"kind": Kind(record["kind"]), "remedy": Remedy(record["remedy"]), "state": state}
    return Finding(**{**record, **kinds, "partners": tuple(record["partners"])})


def _row(stores: Stores, finding: Finding) -> dict[str, Any]:
    receipt = f"{stores.settings.base_url}/v1/conversions/{finding.conversion}/receipt"
    return {
        "finding": finding.kind.value,
        "reason": finding.reason,
        "line": finding.line,
        "order_id": finding.order_id,
        "conversion": finding.conversion,
        "state": finding.state.value if finding.state else None,
        "currency": finding.currency,
        "amount_here": finding.ours_minor,
        "amount_there": finding.theirs_minor,
        "partners": list(finding.partners),
        "remedy": finding.remedy.value,
        "refund": finding.refund_minor,
        "receipt": receipt if finding.conversion else None,
    }
