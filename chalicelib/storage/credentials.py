"""Who may call us and by what: API keys and signing secrets, in the `catalogue` table."""

from datetime import date

from chalicelib.domain.audit import Change
from chalicelib.domain.credentials import ApiKey, SigningSecret
from chalicelib.domain.ids import SLUG
from chalicelib.storage import credential_records as records
from chalicelib.storage.codec import Item
from chalicelib.storage.conditions import ABSENT, PRESENT, Condition, equals, unchanged
from chalicelib.storage.logged import Logged
from chalicelib.storage.table import ConditionFailed, transact

SECRET_SLOTS = ("1", "2")
"""Where a program's signing secrets live: two, so that one can replace the other without a gap."""


class Credentials(Logged):
    """API keys and signing secrets. `add_..._once` returns False where the id is taken."""

    def find_key(self, key_id: str) -> ApiKey | None:
        """The API key, or None."""
        return self._find(key_id, f"key#{key_id}", "key", records.read_key)

    def keys_page(self, limit: int, start: Item | None) -> tuple[list[ApiKey], Item | None]:
        """Some API keys in order of their ids, and the key to go on from."""
        return self._page("keys", "", limit, start, records.read_key)

    def add_key_once(self, key: ApiKey) -> bool:
        """Store a new API key."""
        attributes = records.key_record(key)
        return self._add_once(
            Change("key", key.id, key.program, None, attributes),
            {"pk": f"key#{key.id}", "sk": "key", **attributes},
            {"pk": "keys", "sk": key.id, **attributes},
            *_pointers(key),
        )

    def keys_of(self, partner: str) -> list[ApiKey]:
        """The partner's API keys, in order of their ids."""
        found = (
            self.find_key(item["sk"].split("#")[1])
            for item in self._table.query(f"partner#{partner}", prefix="key#")
        )
        return [key for key in found if key is not None]

    def rotate_key(self, old: ApiKey, ending: ApiKey, successor: ApiKey) -> None:
        """Store the successor of a key, and when the old one ends.

        Raises:
            ConditionFailed: the old one is gone, or ends otherwise than in `old`.
        """
        before, after = records.key_record(old), records.key_record(ending)
        ends = {"expires_at": after["expires_at"]}
        same = unchanged({"expires_at": before.get("expires_at")})
        made = records.key_record(successor)
        transact(
            [
                self._table.update_action(f"key#{old.id}", "key", ends, same),
                self._table.update_action("keys", old.id, ends, PRESENT),
                self._table.put_action({"pk": f"key#{successor.id}", "sk": "key", **made}, ABSENT),
                self._table.put_action({"pk": "keys", "sk": successor.id, **made}, ABSENT),
                *(self._table.put_action(pointer, ABSENT) for pointer in _pointers(successor)),
                self._trail.action(Change("key", old.id, old.program, before, after)),
                self._trail.action(Change("key", successor.id, successor.program, None, made)),
            ]
        )

    def note_key_use(self, key: ApiKey, day: date) -> None:
        """Store the day of the key's last use, unless a later one is stored or the key is gone."""
        later = Condition(
            "attribute_exists(#pk) AND (attribute_not_exists(#on) OR #on < :on)",
            {"#pk": "pk", "#on": "used_on"},
            {":on": day.isoformat()},
        )
        used = {"used_on": day.isoformat()}
        try:
            transact(
                [
                    self._table.update_action(f"key#{key.id}", "key", used, later),
                    self._table.update_action("keys", key.id, used, PRESENT),
                ]
            )
        except ConditionFailed:
            return

    def remove_key(self, key: ApiKey) -> None:
        """Remove the API key, if it is there: from now on it verifies nothing."""
        change = Change("key", key.id, key.program, records.key_record(key), None)
        actions = [
            self._table.delete_action(f"key#{key.id}", "key", PRESENT),
            self._table.delete_action("keys", key.id),
            *(self._table.delete_action(pointer["pk"], pointer["sk"]) for pointer in _pointers(key)),
            self._trail.action(change),
        ]
        try:
            transact(actions)
        except ConditionFailed:
            return

    def secrets_of(self, program_id: str) -> tuple[SigningSecret, ...]:
        """The program's live signing secrets: none, one or two."""
        if not SLUG.fullmatch(program_id):
            return ()
        items = self._table.query(f"program#{program_id}", prefix="secret#")
        return tuple(records.read_secret(item) for item in items)

    def add_secret(self, secret: SigningSecret) -> bool:
        """Store a signing secret in a free slot; False where there is none."""
        for slot in SECRET_SLOTS:
            pk, sk = f"program#{secret.program}", f"secret#{slot}"
            attributes = records.secret_record(secret)
            change = Change("signing_secret", secret.id, secret.program, None, attributes)
            if self._add_once(change, {"pk": pk, "sk": sk, **attributes}):
                return True
            if (self._table.find(pk, sk) or {}).get("id") == secret.id:
                return True
        return False

    def remove_secret(self, secret: SigningSecret) -> None:
        """Remove the signing secret, if it is there, and none that took its slot meanwhile."""
        for slot in SECRET_SLOTS:
            delete = self._table.delete_action(
                f"program#{secret.program}", f"secret#{slot}", equals("id", secret.id)
            )
            change = Change("signing_secret", secret.id, secret.program, records.secret_record(secret), None)
            try:
                transact([delete, self._trail.action(change)])
            except ConditionFailed:
                continue


def _pointers(key: ApiKey) -> list[Item]:
    """Where a partner's own keys are found."""
    return [{"pk": f"partner#{key.partner}", "sk": f"key#{key.id}"}] if key.partner else []
