"""Where a month's files stand in the ledger bucket, and how long they stay."""

from datetime import timedelta

from chalicelib.domain.period import Month

RETENTION = timedelta(days=3653)
"""How long a published object is locked: ten years, the longest bookkeeping duty we know of."""


def published_folder(program: str, month: Month) -> str:
    """Where a closed month's files stand."""
    return f"ledgers/{program}/{month}/"


def draft_folder(program: str, month: Month) -> str:
    """Where an open month's files stand."""
    return f"drafts/{program}/{month}/"


def closing_folder(program: str, month: Month) -> str:
    """Where the pieces of a month stand that is being closed by many."""
    return f"closing/{program}/{month}/"
