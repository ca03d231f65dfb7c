"""Linkledger: the tracking half of a partner programme, in the merchant's own AWS account."""

VERSION = "0.1.0"
"""Semantic version of the whole. The clients' packages repeat it, which a test holds them to."""

ENGINE = f"linkledger/{VERSION}"
"""What ledgers say they were computed by."""
