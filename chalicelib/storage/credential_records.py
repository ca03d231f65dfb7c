"""API keys and signing secrets as the catalogue keeps them."""

from datetime import date

from chalicelib.domain.credentials import ApiKey, Scope, SigningSecret
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.storage.codec import Item, compact


def key_record(key: ApiKey) -> Item:
    """An API key, as attributes."""
    return compact(
        {
            "id": key.id,
            "digest": key.digest,
            "scopes": sorted(key.scopes),
            "program": key.program,
            "partner": key.partner,
            "created_at": format_instant(key.created_at),
            "expires_at": format_instant(key.expires_at) if key.expires_at else None,
            "used_on": key.used_on.isoformat() if key.used_on else None,
            "replaces": key.replaces,
        }
    )


def read_key(item: Item) -> ApiKey:
    """The API key that an item holds."""
    return ApiKey(
        item["id"],
        item["digest"],
        frozenset(map(Scope, item["scopes"])),
        item.get("program"),
        item.get("partner"),
        parse_instant(item["created_at"], "created_at"),
        parse_instant(item["expires_at"], "expires_at") if "expires_at" in item else None,
        date.fromisoformat(item["used_on"]) if "used_on" in item else None,
        item.get("replaces"),
    )


def secret_record(secret: SigningSecret) -> Item:
    """A signing secret, as attributes."""
    return {
        "id": secret.id,
        "program": secret.program,
        "secret": secret.secret,
        "created_at": format_instant(secret.created_at),
    }


def read_secret(item: Item) -> SigningSecret:
    """The signing secret that an item holds."""
    return SigningSecret(
        item["id"], item["program"], item["secret"], parse_instant(item["created_at"], "created_at")
    )
