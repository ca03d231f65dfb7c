"""Standard Webhooks signatures: what verifies, and that nothing else does or crashes."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.services import signatures

NOW = datetime(2026, 10, 15, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
RAW = b'{"program": "acme"}'
SIGNED = signatures.sign(SECRET, "msg_1", AT, RAW)


def verifies(
    live: tuple[str, ...] = (SECRET,),
    message_id: str = "msg_1",
    timestamp: str = str(AT),
    signature: str = SIGNED,
    raw: bytes = RAW,
    now: datetime = NOW,
) -> bool:
    return signatures.verifies(live, message_id, timestamp, signature, raw, now)


def test_the_published_example_verifies() -> None:
    """The vector of the specification's own libraries (standard-webhooks/standard-webhooks, tests)."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    raw = b'{"test": 2432232314}'
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signatures.sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, raw) == signature
    then = datetime.fromtimestamp(1614265330, UTC)
    assert signatures.verifies([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", signature, raw, then)


def test_the_scheme_is_hmac_sha256_over_id_time_and_body() -> None:
    mac = hmac.new(b"s" * 32, b"msg_1.%d." % AT + RAW, hashlib.sha256).digest()
    assert "v1," + base64.b64encode(mac).decode() == SIGNED


def test_either_of_two_live_secrets_verifies() -> None:
    assert verifies(live=(OTHER, SECRET))
    assert verifies(live=(SECRET, OTHER))
    assert not verifies(live=(OTHER,))
    assert not verifies(live=())


def test_any_of_several_signatures_verifies_and_unknown_versions_are_passed_over() -> None:
    wrong = signatures.sign(OTHER, "msg_1", AT, RAW)
    assert verifies(signature=f"{wrong} {SIGNED}")
    assert verifies(signature=f"v1a,xyz v2,{'A' * 43}= {SIGNED} garbage")
    assert not verifies(signature=SIGNED.replace("v1,", "v2,"))


def test_so_many_signatures_are_not_tried() -> None:
    wrong = signatures.sign(OTHER, "msg_1", AT, RAW)
    assert verifies(signature=" ".join([wrong] * 15 + [SIGNED]))
    assert not verifies(signature=" ".join([wrong] * 16 + [SIGNED]))
    assert not verifies(signature=" ".join([SIGNED] * 17))


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_either_way_are_tolerated(seconds: int) -> None:
    assert verifies(now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-301, -300.001, 300.001, 301, 86_400, -86_400])
def test_more_is_stale_or_not_yet(seconds: float) -> None:
    assert not verifies(now=NOW + timedelta(seconds=seconds))


def test_a_changed_byte_does_not_verify() -> None:
    assert not verifies(raw=RAW + b" ")
    assert not verifies(message_id="msg_2")
    assert not verifies(timestamp=str(AT + 1))


def test_an_id_with_a_dot_could_be_read_two_ways_and_is_refused() -> None:
    signed = signatures.sign(SECRET, "a", int(f"{AT}"), b"1." + RAW)
    assert verifies(message_id="a", signature=signed, raw=b"1." + RAW)
    dotted = signatures.sign(SECRET, f"a.{AT}", AT, RAW)
    assert not verifies(message_id=f"a.{AT}", signature=dotted)


@pytest.mark.parametrize("message_id", ["", " ", "x" * 257, "ü", "a b", "a\x00"])
def test_a_malformed_id_does_not_verify(message_id: str) -> None:
    signed = signatures.sign(SECRET, message_id, AT, RAW)
    assert not verifies(message_id=message_id, signature=signed)


@pytest.mark.parametrize(
    "timestamp",
    ["", "now", "nan", "inf", "1e9", f"{AT}.0", f" {AT}", f"+{AT}", f"-{AT}", "9" * 5000, "١٢٣", f"0x{AT:x}"],
)
def test_a_malformed_timestamp_does_not_verify(timestamp: str) -> None:
    assert not verifies(timestamp=timestamp)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        " ",
        "v1",
        "v1,",
        "v1,,",
        "v1,!!!",
        "v1,ü",
        "v1," + "A" * 44,
        SIGNED + "x",
        SIGNED[:-1],
        "v1," * 9000,
    ],
)
def test_a_malformed_signature_does_not_verify(signature: str) -> None:
    assert not verifies(signature=signature)


def test_new_secrets_are_in_the_standards_form_and_differ() -> None:
    secret = signatures.new_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert secret != signatures.new_secret()


def test_the_work_done_in_vain_without_a_secret_opens_nothing() -> None:
    decoy = "whsec_" + base64.b64encode(bytes(32)).decode()
    assert verifies(live=(decoy,), signature=signatures.sign(decoy, "msg_1", AT, RAW))
    assert not verifies(live=(), signature=signatures.sign(decoy, "msg_1", AT, RAW))
