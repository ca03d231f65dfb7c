import pytest

from chalicelib.settings import SettingsError, load

STAGE = {
    "TABLE_PREFIX": "linkledger-dev",
    "LEDGER_BUCKET": "linkledger-dev-ledger",
    "BASE_URL": "https://go.example.com",
    "SECRETS_ID": "linkledger-dev/keys",
}


def test_a_program_has_the_links_host_that_it_was_given():
    settings = load({**STAGE, "PROGRAM_DOMAINS": "acme=go.acme.com bikes=go.bikes.com"})
    assert settings.links_of("acme") == "https://go.acme.com"
    assert settings.links_of("bikes") == "https://go.bikes.com"
    assert settings.links_of("others") == "https://go.example.com"


@pytest.mark.parametrize("given", [{}, {"PROGRAM_DOMAINS": "none"}, {"PROGRAM_DOMAINS": ""}])
def test_without_hosts_of_their_own_all_programs_share_the_stages(given):
    assert load(STAGE | given).links_of("none") == "https://go.example.com"


@pytest.mark.parametrize("text", ["acme", "acme=https://go.acme.com", "acme=go.acme.com/x", "=go.acme.com"])
def test_what_is_no_host_of_a_program_is_refused(text):
    with pytest.raises(SettingsError, match="PROGRAM_DOMAINS"):
        load({**STAGE, "PROGRAM_DOMAINS": text})


def test_everything_that_is_wrong_is_named_at_once():
    with pytest.raises(SettingsError) as raised:
        load({"BASE_URL": "go.example.com"})
    for name in ("TABLE_PREFIX", "LEDGER_BUCKET", "BASE_URL", "SECRETS_ID"):
        assert name in str(raised.value)
