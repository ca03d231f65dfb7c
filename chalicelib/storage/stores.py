"""All stores of a process, each made at its first use so that a cold start pays only for what it needs."""

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.settings import Settings

if TYPE_CHECKING:
    from chalicelib.storage.applications import Applications
    from chalicelib.storage.bucket import Bucket
    from chalicelib.storage.catalogue import Catalogue
    from chalicelib.storage.checkups import Checkups
    from chalicelib.storage.claims import Claims
    from chalicelib.storage.clicks import Clicks
    from chalicelib.storage.conversion_queue import ConversionQueue
    from chalicelib.storage.conversions import Conversions
    from chalicelib.storage.counts import Counts
    from chalicelib.storage.credentials import Credentials
    from chalicelib.storage.customers import Customers
    from chalicelib.storage.daily_keys import DailyKeys
    from chalicelib.storage.erasures import Erasures
    from chalicelib.storage.fraud import FraudBook
    from chalicelib.storage.guesses import Guesses
    from chalicelib.storage.hook_secrets import HookSecrets
    from chalicelib.storage.identities import Identities
    from chalicelib.storage.imports import Imports
    from chalicelib.storage.jobs import Jobs
    from chalicelib.storage.journal import Journal
    from chalicelib.storage.links import Links
    from chalicelib.storage.mail import Mail
    from chalicelib.storage.meters import Meters
    from chalicelib.storage.notices import Notices
    from chalicelib.storage.outbox import Outbox
    from chalicelib.storage.payouts import Payouts
    from chalicelib.storage.queues import Queue
    from chalicelib.storage.rates import RateBook
    from chalicelib.storage.secrets import Secrets
    from chalicelib.storage.seen import Seen
    from chalicelib.storage.sessions import Sessions
    from chalicelib.storage.trail import Trail
    from chalicelib.storage.trials import Trials
    from chalicelib.storage.uses import Uses
    from chalicelib.storage.wakings import Wakings
    from chalicelib.storage.warm import Warm
    from chalicelib.storage.web import Web
    from chalicelib.storage.webhooks import Webhooks


class Stores:
    """What services load from and save to; `settings` are those of the stage."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def links(self) -> "Links":
        from chalicelib.storage.links import Links

        return Links(self.settings)

    @cached_property
    def clicks(self) -> "Clicks":
        from chalicelib.storage.clicks import Clicks

        return Clicks(self.settings)

    @cached_property
    def applications(self) -> "Applications":
        from chalicelib.storage.applications import Applications

        return Applications(self.settings)

    @cached_property
    def claims(self) -> "Claims":
        from chalicelib.storage.claims import Claims

        return Claims(self.settings)

    @cached_property
    def conversions(self) -> "Conversions":
        from chalicelib.storage.conversions import Conversions

        return Conversions(self.settings)

    @cached_property
    def conversion_queue(self) -> "ConversionQueue":
        from chalicelib.storage.conversion_queue import ConversionQueue

        return ConversionQueue(self.settings)

    @cached_property
    def customers(self) -> "Customers":
        from chalicelib.storage.customers import Customers

        return Customers(self.settings)

    @cached_property
    def identities(self) -> "Identities":
        from chalicelib.storage.identities import Identities

        return Identities(self.settings)

    @cached_property
    def imports(self) -> "Imports":
        from chalicelib.storage.imports import Imports

        return Imports(self.settings)

    @cached_property
    def journal(self) -> "Journal":
        from chalicelib.storage.journal import Journal

        return Journal(self.settings)

    @cached_property
    def shards_to_settle(self) -> "Queue":
        from chalicelib.storage.queues import Queue

        return Queue(self.settings.reconcile_queue)

    @cached_property
    def jobs(self) -> "Jobs":
        from chalicelib.storage.jobs import Jobs

        return Jobs(self.settings)

    @cached_property
    def outbox(self) -> "Outbox":
        from chalicelib.storage.outbox import Outbox

        return Outbox(self.settings)

    @cached_property
    def payouts(self) -> "Payouts":
        from chalicelib.storage.payouts import Payouts

        return Payouts(self.settings)

    @cached_property
    def rates(self) -> "RateBook":
        from chalicelib.storage.rates import RateBook

        return RateBook(self.settings)

    @cached_property
    def mail(self) -> "Mail":
        from chalicelib.storage.mail import Mail

        return Mail(self.settings)

    @cached_property
    def notices(self) -> "Notices":
        from chalicelib.storage.notices import Notices

        return Notices(self.settings)

    @cached_property
    def catalogue(self) -> "Catalogue":
        from chalicelib.storage.catalogue import Catalogue

        return Catalogue(self.settings)

    @cached_property
    def credentials(self) -> "Credentials":
        from chalicelib.storage.credentials import Credentials

        return Credentials(self.settings)

    @cached_property
    def counts(self) -> "Counts":
        from chalicelib.storage.counts import Counts

        return Counts(self.settings)

    @cached_property
    def fraud(self) -> "FraudBook":
        from chalicelib.storage.fraud import FraudBook

        return FraudBook(self.settings)

    @cached_property
    def guesses(self) -> "Guesses":
        from chalicelib.storage.guesses import Guesses

        return Guesses(self.settings)

    @cached_property
    def seen(self) -> "Seen":
        from chalicelib.storage.seen import Seen

        return Seen(self.settings)

    @cached_property
    def daily_keys(self) -> "DailyKeys":
        from chalicelib.storage.daily_keys import DailyKeys

        return DailyKeys(self.settings)

    @cached_property
    def erasures(self) -> "Erasures":
        from chalicelib.storage.erasures import Erasures

        return Erasures(self.settings)

    @cached_property
    def uses(self) -> "Uses":
        from chalicelib.storage.uses import Uses

        return Uses(self.settings)

    @cached_property
    def meters(self) -> "Meters":
        from chalicelib.storage.meters import Meters

        return Meters(self.settings)

    @cached_property
    def checkups(self) -> "Checkups":
        from chalicelib.storage.checkups import Checkups

        return Checkups(self.settings)

    @cached_property
    def hook_secrets(self) -> "HookSecrets":
        from chalicelib.storage.hook_secrets import HookSecrets

        return HookSecrets(self.settings)

    @cached_property
    def bucket(self) -> "Bucket":
        from chalicelib.storage.bucket import Bucket

        return Bucket(self.settings)

    @cached_property
    def secrets(self) -> "Secrets":
        from chalicelib.storage.secrets import Secrets

        return Secrets(self.settings)

    @cached_property
    def trail(self) -> "Trail":
        from chalicelib.storage.trail import Trail

        return Trail(self.settings)

    @cached_property
    def sessions(self) -> "Sessions":
        from chalicelib.storage.sessions import Sessions

        return Sessions(self.settings)

    @cached_property
    def trials(self) -> "Trials":
        from chalicelib.storage.trials import Trials

        return Trials(self.settings)

    @cached_property
    def wakings(self) -> "Wakings":
        from chalicelib.storage.wakings import Wakings

        return Wakings(self.settings)

    @cached_property
    def warm(self) -> "Warm":
        from chalicelib.storage.warm import Warm

        return Warm()

    @cached_property
    def web(self) -> "Web":
        from chalicelib.storage.web import Web

        return Web(local=self.settings.calls_itself)

    @cached_property
    def webhooks(self) -> "Webhooks":
        from chalicelib.storage.webhooks import Webhooks

        return Webhooks(self.settings)
