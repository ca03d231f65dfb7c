"""With which secrets a program's carts and apps sign their webhooks: the newest two of each source."""

from chalicelib.domain.audit import Change
from chalicelib.domain.ids import SLUG
from chalicelib.settings import Settings
from chalicelib.storage.table import Table, transact
from chalicelib.storage.trail import Trail

KEPT = 2


class HookSecrets:
    """Secrets in the `catalogue` table, beside their program."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "catalogue")
        self._trail = Trail(settings)

    def find(self, program: str, source: str) -> tuple[str, ...]:
        """The live secrets, newest first; none where the program or source has none."""
        if not SLUG.fullmatch(program):
            return ()
        item = self._table.find(f"program#{program}", f"hook#{source}")
        return tuple(item["secrets"]) if item else ()

    def add(self, program: str, source: str, secret: str) -> None:
        """Keep the secret as the newest one."""
        known = self.find(program, source)
        secrets = [secret, *(older for older in known if older != secret)][:KEPT]
        before = {"secrets": known} if known else None
        change = Change("hook", source, program, before, {"secrets": tuple(secrets)})
        stored = self._table.update_action(f"program#{program}", f"hook#{source}", {"secrets": secrets})
        transact([stored, self._trail.action(change)])

    def remove(self, program: str, source: str) -> None:
        """Forget the source's secrets, if there are any: from now on its deliveries are refused."""
        known = self.find(program, source)
        if known:
            delete = self._table.delete_action(f"program#{program}", f"hook#{source}")
            change = Change("hook", source, program, {"secrets": known}, None)
            transact([delete, self._trail.action(change)])
