"""Settings of a stage: read from the environment once, refused at start when wrong."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit


class SettingsError(Exception):
    """The environment lacks a setting or holds one that cannot be right; names every one of them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs between stages.

    `base_url` is the public origin of the short links, without a slash at its end; `program_domains` are the
    hosts of those programs' links that have one of their own. The secrets (token keys, the key for customer
    ids) come from Secrets Manager under `secrets_id`. `origin_secret` is what CloudFront proves itself with
    (None: nothing does, and its headers are not believed); `finance_topic` the SNS topic that is told of
    published ledgers (None: nobody is told); `jobs_queue` the name of the queue of jobs (None: this stage
    starts none), `reconcile_queue` that of shards with much to settle (None: one worker settles all),
    `outbound_queue` that of events to tell (None: they wait).
    `ledger_lock` is S3's mode of locking published files: nobody ends one of COMPLIANCE early. `calls_itself`
    lets calls out reach this machine, which a local stack needs and no other may.
    `mail_from` is the address that mail comes from (None: this stage sends none).
    """

    table_prefix: str
    ledger_bucket: str
    base_url: str
    secrets_id: str
    ledger_shards: int
    origin_secret: str | None = None
    finance_topic: str | None = None
    jobs_queue: str | None = None
    reconcile_queue: str | None = None
    ledger_lock: str = "COMPLIANCE"
    calls_itself: bool = False
    outbound_queue: str | None = None
    mail_from: str | None = None
    program_domains: Mapping[str, str] = field(default_factory=dict)

    def links_of(self, program: str) -> str:
        """The public origin of a program's short links."""
        domain = self.program_domains.get(program)
        return f"https://{domain}" if domain else self.base_url

    def table(self, name: str) -> str:
        """The full name of a table, such as `linkledger-dev-clicks` for `clicks`."""
        return f"{self.table_prefix}-{name}"


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in this environment.

    Raises:
        SettingsError: with every missing or wrong variable.
    """
    wrong: list[str] = []

    def take(name: str, pattern: str, default: str | None = None) -> str:
        value = environment.get(name, default)
        if value is None:
            wrong.append(f"{name} is not set")
            return ""
        if not re.fullmatch(pattern, value):
            wrong.append(f"{name} must match {pattern}")
        return value

    prefix = take("TABLE_PREFIX", r"[A-Za-z0-9._-]{1,200}")
    bucket = take("LEDGER_BUCKET", r"[a-z0-9.-]{3,63}")
    base_url = take("BASE_URL", r"https?://[^/?#\s]+")
    secrets_id = take("SECRETS_ID", r"[A-Za-z0-9/_+=.@:-]{1,512}")
    shards = take("LEDGER_SHARDS", r"[1-9][0-9]{0,2}", default="4")
    origin_secret = take("ORIGIN_SECRET", r"|[A-Za-z0-9_-]{16,128}", default="")
    topic = take("FINANCE_TOPIC", r"|arn:[a-z0-9-]+:sns:[^\s:]+:[0-9]*:[A-Za-z0-9_-]+", default="")
    queue = take("JOBS_QUEUE", r"|[A-Za-z0-9_-]{1,80}", default="")
    shard_queue = take("RECONCILE_QUEUE", r"|[A-Za-z0-9_-]{1,80}", default="")
    lock = take("LEDGER_LOCK", r"COMPLIANCE|GOVERNANCE", default="COMPLIANCE")
    outbound = take("OUTBOUND_QUEUE", r"|[A-Za-z0-9_-]{1,80}", default="")
    calls_itself = take("CALLS_ITSELF", r"|yes", default="")
    mail_from = take("MAIL_FROM", r"|[^\s<>@]+@[^\s<>@]+|[^<>]+ <[^\s<>@]+@[^\s<>@]+>", default="")
    domains = take("PROGRAM_DOMAINS", r"(none|[A-Za-z0-9_-]+=[a-z0-9.-]+)?( [A-Za-z0-9_-]+=[a-z0-9.-]+)*", "")
    if base_url and not urlsplit(base_url).hostname:
        wrong.append("BASE_URL names no host")
    if wrong:
        raise SettingsError("; ".join(wrong))
    return Settings(
        prefix,
        bucket,
        base_url,
        secrets_id,
        int(shards),
        origin_secret or None,
        topic or None,
        queue or None,
        shard_queue or None,
        lock,
        calls_itself == "yes",
        outbound or None,
        mail_from or None,
        dict(pair.split("=") for pair in domains.split() if "=" in pair),
    )
