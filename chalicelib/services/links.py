"""Making, changing and finding links."""

import csv
import io
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain import codes, token
from chalicelib.domain.destination import check_url
from chalicelib.domain.errors import Conflict, Invalid, LinkledgerError, NotFound
from chalicelib.domain.link import Link, LinkState, check_sub, check_text, check_utm
from chalicelib.domain.period import parse_instant
from chalicelib.domain.program import Program
from chalicelib.settings import Settings
from chalicelib.storage.stores import Stores

MAX_TAGS = 20
MAX_ROWS = 500
"""Links in one bulk request: each is a transaction of its own, and a request lives 29 s."""

_ATTEMPTS = 5
_COLUMNS = frozenset({"partner", "destination", "code", "campaign", "tags", "expires_at"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a link is to be; None leaves it as it is. An empty destination or campaign takes it away."""

    destination: str | None = None
    code: str | None = None
    campaign: str | None = None
    utm: Mapping[str, str] | None = None
    sub: Mapping[str, str] | None = None
    tags: Sequence[str] | None = None
    expires_at: datetime | None = None
    carry_query: bool | None = None
    state: LinkState | None = None
    never_expires: bool = False


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row of a bulk request: a link or an error; the row after the header is 1."""

    row: int
    link: Link | None
    error: LinkledgerError | None


def create(
    stores: Stores,
    program: Program,
    partner: str,
    *,
    destination: str | None = None,
    code: str | None = None,
    campaign: str | None = None,
    utm: Mapping[str, str] | None = None,
    sub: Mapping[str, str] | None = None,
    tags: Sequence[str] | None = None,
    expires_at: datetime | None = None,
    carry_query: bool | None = None,
    shortest: int = 2,
    now: datetime,
) -> Link:
    """A new link of the partner, under the given code or a generated one. Whether the partner is enrolled
    is the caller's to check. `shortest` is 1 for a code that was in print before it came to us.

    Raises:
        Invalid: `code_invalid`, `code_reserved`, `url_invalid`, `url_not_allowed`, `utm_invalid`,
            `sub_invalid`, `campaign_invalid`, `tag_invalid`.
        Conflict: `code_taken`, `code_lookalike`.
    """
    wanted = Wanted(destination, code, campaign, utm, sub, tags, expires_at, carry_query)
    chosen = codes.check_vanity(code, shortest=shortest) if code is not None else None
    link = _apply(Link("", "", program.id, partner, now), program, wanted)
    for attempt in range(_ATTEMPTS):
        made = replace(
            link, id=token.link_id(secrets.token_bytes(8)), code=chosen if chosen is not None else _generate()
        )
        try:
            stores.links.create(made)
        except Conflict:
            if chosen is not None or attempt == _ATTEMPTS - 1:
                raise
            continue
        stores.warm.forget("link", made.code)
        return made
    raise AssertionError("unreachable")


@dataclass(frozen=True, slots=True)
class Told:
    """What can be said of a link before it is made: problems and good news, by field."""

    problems: Mapping[str, str]
    notes: Mapping[str, str]


def check(stores: Stores, program: Program, destination: str, code: str) -> Told:
    """Whether a link may lead there, and whether the code is free; empty ones are not looked at."""
    problems: dict[str, str] = {}
    notes: dict[str, str] = {}
    if destination:
        try:
            notes["destination"] = f"leads to {check_url(destination, program.domains, 'destination')}"
        except Invalid as problem:
            problems["destination"] = problem.message
    if code:
        try:
            stores.links.check_free(codes.check_vanity(code))
            notes["code"] = f"{stores.settings.base_url}/{code.lower()} is free"
        except (Invalid, Conflict) as problem:
            problems["code"] = problem.message
    return Told(problems, notes)


def change(stores: Stores, program: Program, link: Link, wanted: Wanted, now: datetime) -> Link:
    """The link with what is wanted changed (None leaves it as it is); what it was goes into its history.

    An empty `destination` or `campaign` takes it away.

    Raises:
        Invalid: as for `create`.
        Conflict: `link_changed` by somebody else meanwhile.
    """
    changed = _apply(link, program, wanted)
    if changed == link:
        return link
    stored = stores.links.replace(link, changed, now)
    stores.warm.forget("link", link.code)
    return stored


def delete(stores: Stores, link: Link, now: datetime) -> None:
    """Take the link out of use for ever. Its code is not given to anybody else, since it may be in print."""
    stores.links.replace(link, replace(link, state=LinkState.DELETED), now)
    stores.warm.forget("link", link.code)


def get(stores: Stores, code: str) -> Link:
    """The link with this code.

    Raises:
        NotFound: `link_unknown`, also for a deleted one.
    """
    folded = codes.fold(code)
    link = stores.links.find(folded) if folded else None
    if link is None or link.state is LinkState.DELETED:
        raise link_unknown()
    return link


def link_unknown() -> NotFound:
    """The refusal for a link that there isn't, or that isn't the caller's."""
    return NotFound("link_unknown", "there is no such link", "code")


def link_urls(settings: Settings, link: Link) -> tuple[str, str]:
    """The tracking URL, and the URL of its QR code, at the program's own host where it has one."""
    origin = settings.links_of(link.program)
    return f"{origin}/{link.code}", f"{origin}/qr/{link.code}.png"


def create_from_csv(stores: Stores, program: Program, text: str, now: datetime) -> list[RowResult]:
    """A link for each row of a CSV with a header line; a row that is wrong does not stop the others.

    Columns: `partner` (required), `destination`, `code`, `campaign`, `tags` (separated by spaces),
    `expires_at`, the five `utm_...` and `sub1` to `sub10`. Rows with a code may be sent again: a link that
    is there already, for the same partner, is answered as it is.

    Raises:
        Invalid: `csv_invalid`, for the whole of it.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = [name.strip().lstrip("\ufeff").lower() for name in reader.fieldnames or ()]
        reader.fieldnames = columns
        rows = [row for _, row in zip(range(MAX_ROWS + 1), reader, strict=False)]
    except csv.Error as error:
        raise Invalid("csv_invalid", "the CSV cannot be read (RFC 4180, UTF-8)", "csv") from error
    if "partner" not in columns or len(set(columns)) != len(columns):
        raise Invalid("csv_invalid", "the first line must name the columns, once each, with partner", "csv")
    unknown = [name for name in columns if name not in _COLUMNS and not name.startswith(("utm_", "sub"))]
    if unknown:
        raise Invalid("csv_invalid", f"there is no column {unknown[0][:40]!r}", "csv")
    if len(rows) > MAX_ROWS:
        raise Invalid("csv_invalid", f"at most {MAX_ROWS} rows at once", "csv")
    return [_row(stores, program, number, row, now) for number, row in enumerate(rows, 1)]


def _row(
    stores: Stores, program: Program, number: int, row: Mapping[str | None, str | None], now: datetime
) -> RowResult:
    try:
        if None in row or None in row.values():
            raise Invalid("row_invalid", "the row has more or fewer cells than the header")
        cells = {name: value.strip() for name, value in row.items() if name and value and value.strip()}
        return RowResult(number, _create_row(stores, program, cells, now), None)
    except LinkledgerError as error:
        return RowResult(number, None, error)


def _create_row(stores: Stores, program: Program, cells: Mapping[str, str], now: datetime) -> Link:
    partner = cells.get("partner", "")
    if stores.catalogue.find_enrollment(program.id, partner) is None:
        raise not_enrolled()
    code = cells.get("code")
    try:
        return create(
            stores,
            program,
            partner,
            destination=cells.get("destination"),
            code=code,
            campaign=cells.get("campaign"),
            utm={name: value for name, value in cells.items() if name.startswith("utm_")},
            sub={name: value for name, value in cells.items() if name.startswith("sub")},
            tags=cells.get("tags", "").split(),
            expires_at=parse_instant(cells["expires_at"], "expires_at") if "expires_at" in cells else None,
            now=now,
        )
    except Conflict:
        known = stores.links.find(codes.fold(code or "") or "-")
        if known is None or (known.program, known.partner) != (program.id, partner):
            raise
        return known


def not_enrolled() -> NotFound:
    """The refusal for a partner that is not in the program."""
    return NotFound("partner_not_enrolled", "this partner is not enrolled in the program", "partner")


def _apply(link: Link, program: Program, wanted: Wanted) -> Link:
    changes: dict[str, object] = {}
    if wanted.destination is not None:
        given = wanted.destination
        changes["destination"] = check_url(given, program.domains, "destination") if given else None
    if wanted.campaign is not None:
        changes["campaign"] = check_text(wanted.campaign, "campaign", "campaign_invalid") or None
    if wanted.utm is not None:
        changes["utm"] = check_utm(wanted.utm)
    if wanted.sub is not None:
        changes["sub"] = check_sub(wanted.sub)
    if wanted.tags is not None:
        changes["tags"] = _check_tags(wanted.tags)
    for name in ("expires_at", "carry_query", "state"):
        if getattr(wanted, name) is not None:
            changes[name] = getattr(wanted, name)
    if wanted.never_expires:
        changes["expires_at"] = None
    return replace(link, **changes)  # type: ignore[arg-type]  # each was checked by its name


def _check_tags(tags: Sequence[str]) -> tuple[str, ...]:
    if len(tags) > MAX_TAGS:
        raise Invalid("tag_invalid", f"at most {MAX_TAGS} tags", "tags")
    return tuple(dict.fromkeys(check_text(tag.strip(), "tags", "tag_invalid") for tag in tags if tag.strip()))


def _generate() -> str:
    return "".join(secrets.choice(codes.ALPHABET) for _ in range(codes.GENERATED_LENGTH))
