"""With which secrets a program's carts and apps sign their webhooks: the newest two of each source."""

from chalicelib.domain.ids import SLUG
from chalicelib.settings import Settings
from chalicelib.storage.table import Table

KEPT = 2


class HookSecrets:
    """Secrets in the `catalogue` table, beside their program."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "catalogue")

    def find(self, program: str, source: str) -> tuple[str, ...]:
        """The live secrets, newest first; none where the program or source has none."""
        if not SLUG.fullmatch(program):
            return ()
        item = self._table.find(f"program#{program}", f"hook#{source}")
        return tuple(item["secrets"]) if item else ()

    def add(self, program: str, source: str, secret: str) -> None:
        """Keep the secret as the newest one."""
        older = [known for known in self.find(program, source) if known != secret]
        secrets = [secret, *older][:KEPT]
        self._table.put({"pk": f"program#{program}", "sk": f"hook#{source}", "secrets": secrets})

    def remove(self, program: str, source: str) -> None:
        """Forget the source's secrets, if there are any: from now on its deliveries are refused."""
        self._table.delete(f"program#{program}", f"hook#{source}")
