"""SEPA credit transfers: ISO 20022 pain.001.001.09, the version of the SEPA rulebooks since 2023.

Elements and limits: EPC132-08, "SEPA Credit Transfer Scheme Customer-to-PSP Implementation Guidelines";
schema: https://www.iso20022.org/catalogue-messages/iso-20022-messages-archive.
"""

from collections.abc import Iterator, Mapping
from html import escape

from chalicelib.domain import ids
from chalicelib.domain.errors import Invalid
from chalicelib.domain.money import format_major
from chalicelib.domain.payout.batch import Account, Batch, Facts, File, Format, Payer, Payment
from chalicelib.domain.payout.iban import check_bic, check_iban, check_name

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
MAX_AMOUNT_MINOR = 99_999_999_999
"""999,999,999.99 EUR, the largest transfer of the scheme."""


def check(details: Mapping[str, str]) -> dict[str, str]:
    """The details as they are kept: `name` in plain letters, `iban`, and `bic` where it was given.

    Raises:
        Invalid: `payout_details_invalid`, `iban_invalid`, `bic_invalid`, `name_invalid`.
    """
    if not {"name", "iban"} <= set(details) <= {"name", "iban", "bic"}:
        raise Invalid("payout_details_invalid", "sepa takes a name, an iban and a bic", "details")
    kept = {
        "name": check_name(details["name"], "details.name"),
        "iban": check_iban(details["iban"], "details.iban"),
    }
    return kept | ({"bic": check_bic(details["bic"], "details.bic")} if "bic" in details else {})


def refuses(_account: Account, currency: str, amount_minor: int, facts: Facts) -> str | None:
    """Why no transfer can be made; None where it can."""
    if currency != "EUR":
        return "currency_unsupported"
    if facts.settings.payer is None:
        return "payer_missing"
    return "amount_unsupported" if amount_minor > MAX_AMOUNT_MINOR else None


def files(batch: Batch) -> Iterator[File]:
    """`payouts-pain001.xml`, where there is a transfer: the schema knows no empty order."""
    payer = batch.facts.settings.payer
    if not batch.payments or payer is None:
        return
    yield File("payouts-pain001.xml", _document(batch, payer), len(batch.payments))


def _document(batch: Batch, payer: Payer) -> str:
    """The order: made when the month was over, to be carried out on the fifth of the next."""
    message = ids.derive("msg", batch.program, str(batch.month))
    total = format_major(sum(payment.due_minor for payment in batch.payments), "EUR")
    sums = f"<NbOfTxs>{len(batch.payments)}</NbOfTxs><CtrlSum>{total}</CtrlSum>"
    name = escape(payer.name)
    following = batch.month.next()
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="{NAMESPACE}"><CstmrCdtTrfInitn>\n'
        f"<GrpHdr><MsgId>{message}</MsgId><CreDtTm>{following}-01T00:00:00</CreDtTm>{sums}"
        f"<InitgPty><Nm>{name}</Nm></InitgPty></GrpHdr>\n"
        f"<PmtInf><PmtInfId>{message}</PmtInfId><PmtMtd>TRF</PmtMtd>{sums}"
        "<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>"
        f"<ReqdExctnDt><Dt>{following}-05</Dt></ReqdExctnDt>"
        f"<Dbtr><Nm>{name}</Nm></Dbtr><DbtrAcct><Id><IBAN>{payer.iban}</IBAN></Id></DbtrAcct>"
        f"<DbtrAgt><FinInstnId>{_bank(payer.bic)}</FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>\n"
    )
    transfers = [_transfer(batch, p, p.account.details) for p in batch.payments if p.account]
    return head + "".join(transfers) + "</PmtInf></CstmrCdtTrfInitn></Document>\n"


def _transfer(batch: Batch, payment: Payment, details: Mapping[str, str]) -> str:
    agent = ""
    if "bic" in details:
        agent = f"<CdtrAgt><FinInstnId>{_bank(details['bic'])}</FinInstnId></CdtrAgt>"
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>{payment.id}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="EUR">{format_major(payment.due_minor, "EUR")}</InstdAmt></Amt>{agent}'
        f"<Cdtr><Nm>{escape(details['name'])}</Nm></Cdtr>"
        f"<CdtrAcct><Id><IBAN>{details['iban']}</IBAN></Id></CdtrAcct>"
        f"<RmtInf><Ustrd>{batch.program} {batch.month} {payment.id}</Ustrd></RmtInf></CdtTrfTxInf>\n"
    )


def _bank(bic: str | None) -> str:
    return f"<BICFI>{bic}</BICFI>" if bic else "<Othr><Id>NOTPROVIDED</Id></Othr>"


FORMAT = Format(check, refuses, files)
