"""What documents offer to paste into a shell, Python, Node or PHP does what they say, on a running stack."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.contract.outside import NOVEMBER_10, Shop, Stack, free_port
from tests.node import node

ROOT = Path(__file__).parents[2]
CLICK = "A" * 59


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("pasted") / "data")
    running.at(NOVEMBER_10)
    yield running
    running.stop()


@pytest.fixture
def shop(stack: Stack) -> Shop:
    """A program with the promo code ANNA10."""
    made = Shop(stack)
    made.coupon(made.partner(), "ANNA10").expect(201)
    return made


def snippet(page: str, language: str, containing: str = "") -> str:
    """The only block of that language in the page, or the only one that contains this."""
    blocks = re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    (found,) = [block for block in blocks if containing in block]
    return str(found)


def here(text: str, shop: Shop) -> str:
    """The snippet with this installation and program in place of those of the documents."""
    return text.replace("https://go.brand.com", f"http://127.0.0.1:{shop.stack.port}").replace(
        "acme", shop.id
    )


def shell(script: str, **variables: str) -> str:
    asked = ["bash", "-euc", script]
    path = {"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"}
    return subprocess.run(
        asked, env=path | variables, check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_the_first_link_and_sale_of_the_readme(stack: Stack) -> None:
    first, _, rest = snippet("README.md", "sh", "post /v1/programs").partition("\n")
    assert first.startswith("export KEY=")
    told = shell(rest, KEY=stack.admin_key, API=f"http://127.0.0.1:{stack.port}")
    assert "ll_click=" in told
    (conversion,) = json.loads(told.strip().splitlines()[-1])["data"]
    assert (conversion["order_id"], conversion["partners"]) == ("1001", ["mia"])


def test_a_server_call(shop: Shop) -> None:
    click = shop.clicked(shop.partner("ben"))
    script = here(snippet("docs/api.md", "sh", "/v1/conversions"), shop)
    assert json.loads(shell(script, KEY=shop.stack.admin_key, LL_CLICK=click))["outcome"] == "recorded"
    script = here(snippet("docs/api.md", "sh", "/v1/identities"), shop)
    assert json.loads(shell(script, KEY=shop.stack.admin_key, LL_CLICK=click))["click_id"] == click


def test_the_python_client(shop: Shop) -> None:
    text = here(snippet("docs/clients.md", "python"), shop).replace("key)", "sys.argv[1])", 1)
    asked = [sys.executable, "-c", f"import sys\nsys.path.insert(0, 'clients/python')\n{text}"]
    told = subprocess.check_output([*asked, shop.stack.admin_key], cwd=ROOT, text=True, timeout=60)
    assert told == f"['anna-{shop.id}']\n"


def test_the_node_client(shop: Shop) -> None:
    text = here(snippet("docs/clients.md", "js"), shop).replace(
        "'linkledger-client'", f"'{ROOT / 'clients/node/linkledger.js'}'"
    )
    asked = [node(), "--input-type=module", "-e", text]
    told = subprocess.check_output(asked, env={"KEY": shop.stack.admin_key}, text=True, timeout=60)
    assert told.strip().startswith("http")


@pytest.mark.parametrize(("click", "kept"), [(CLICK, 1), (CLICK[1:], 0), (f"{CLICK}\\n", 0)])
def test_the_node_shop_keeps_a_click_and_nothing_else(click: str, kept: int) -> None:
    shop = (
        "const set = []; let handle; const app = { use(f) { handle = f; } };"
        f"{snippet('docs/tag.md', 'js')}"
        "const response = { cookie: (...c) => set.push(c) };"
        f"handle({{ query: {{ ll_click: '{click}' }} }}, response, () => set.push('next'));"
        "console.log(JSON.stringify(set));"
    )
    told = json.loads(subprocess.check_output([node(), "-e", shop], text=True, timeout=60))
    assert told[-1] == "next"
    assert len(told) == kept + 1
    if kept:
        name, value, options = told[0]
        assert (name, value) == ("__Host-ll_click", CLICK)
        assert options["httpOnly"]
        assert options["secure"]


@pytest.fixture(scope="module")
def php_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a shop in PHP that has pasted the snippet, and says hello."""
    program = shutil.which("php") or pytest.fail("this test runs PHP: apt-get install php-cli (.ci/run does)")
    page = tmp_path_factory.mktemp("php") / "index.php"
    page.write_text(f"<?php\n{snippet('docs/tag.md', 'php')}\necho 'hello';\n")
    port = free_port()
    running = subprocess.Popen([program, "-S", f"127.0.0.1:{port}", str(page)], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert running.poll() is None, "PHP ended"
            assert time.monotonic() < until, "PHP does not listen"
            time.sleep(0.02)
        yield port
    finally:
        running.kill()
        running.wait()


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        (f"ll_click={CLICK}", 1),
        (f"ll_click={CLICK[1:]}", 0),
        (f"ll_click={CLICK}%0a", 0),
        ("ll_click[]=x", 0),
    ],
)
def test_the_php_shop_keeps_a_click_and_nothing_else(php_shop: int, query: str, kept: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{php_shop}/?{query}", timeout=60) as answer:
        assert answer.read() == b"hello"
        cookies = answer.headers.get_all("Set-Cookie") or []
    assert len(cookies) == kept
    for cookie in cookies:
        first, *attributes = [part.strip() for part in cookie.split(";")]
        assert first == f"__Host-ll_click={CLICK}"
        assert {"path=/", "secure", "HttpOnly", "SameSite=Lax", f"Max-Age={30 * 86400}"} <= set(attributes)
        assert not any(attribute.lower().startswith("domain") for attribute in attributes)


def test_a_promo_code(stack: Stack) -> None:
    shop = Shop(stack)
    anna = shop.partner()
    script = here(snippet("docs/coupons.md", "sh"), shop).replace('"anna"', f'"{anna.id}"')
    assert json.loads(shell(script, KEY=stack.admin_key))["partner"] == anna.id


def test_a_carts_secret(shop: Shop) -> None:
    script = here(snippet("docs/carts.md", "sh"), shop).replace('"..."', '"shpss_0123456789abcdef"')
    assert json.loads(shell(script, KEY=shop.stack.admin_key))["source"] == "shopify"


def test_an_order_export(shop: Shop, tmp_path: Path) -> None:
    export = tmp_path / "orders_export.csv"
    export.write_text("order_id,amount,currency\nA-1,49.90,EUR\n")
    script = here(snippet("docs/reconciliation.md", "sh"), shop).replace("@orders_export.csv", f"@{export}")
    assert json.loads(shell(script, KEY=shop.stack.admin_key))["job"].startswith("job_")


def test_terms_and_what_a_whole_month_adds(shop: Shop) -> None:
    terms = json.loads(snippet("docs/credit.md", "json", "attribution"))
    monthly = json.loads("{" + snippet("docs/credit.md", "json", "monthly") + "}")
    path = f"/v1/programs/{shop.id}/terms"
    published = shop.stack.api("POST", path, terms | monthly).expect(201).json
    assert [rule["kind"] for rule in published["monthly"]] == ["tiered", "tiered", "milestone", "cap"]


def test_a_fraud_rule_is_set(shop: Shop) -> None:
    script = here(snippet("docs/fraud.md", "sh"), shop)
    told = shell(script, KEY=shop.stack.admin_key, URL=f"http://127.0.0.1:{shop.stack.port}")
    before, end = json.JSONDecoder().raw_decode(told)
    after = json.loads(told[end:])
    assert before != after
    assert shop.stack.api("GET", f"/v1/programs/{shop.id}/fraud").json == after


def test_rates_of_a_central_bank(shop: Shop, tmp_path: Path) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text("date,base,quote,rate\n2026-11-09,EUR,USD,1.1560\n")
    script = here(snippet("docs/credit.md", "sh"), shop).replace("@rates.csv", f"@{rates}")
    told = shell(script, KEY=shop.stack.admin_key, URL=f"http://127.0.0.1:{shop.stack.port}")
    assert "error" not in json.loads(told)


def test_an_erasure(shop: Shop) -> None:
    begin, ask = here(snippet("docs/privacy.md", "sh"), shop).split("curl $API/v1/erasures/job_...")
    reached = {"KEY": shop.stack.admin_key, "API": f"http://127.0.0.1:{shop.stack.port}"}
    job = json.loads(shell(begin, **reached))["id"]
    assert json.loads(shell(f"curl $API/v1/erasures/{job}{ask}", **reached))["id"] == job


def test_a_webhook_and_a_partners_postback(shop: Shop) -> None:
    mia = shop.partner("mia")
    (post,) = re.findall(r"^post\(\) .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    for events in ('"events"', '"partner"'):
        made = here(snippet("docs/webhooks.md", "sh", events), shop).replace('"mia"', f'"{mia.id}"')
        told = shell(f"{post}\n{made}", KEY=shop.stack.admin_key, API=f"http://127.0.0.1:{shop.stack.port}")
        assert json.loads(told)["program"] == shop.id


def test_an_import_and_its_undo(shop: Shop, tmp_path: Path) -> None:
    """The program's terms hold no customer: those are refused, which makes the command end with 1."""
    (tmp_path / "affiliates.csv").write_text("Email,First Name,Token\ncara@x.com,Cara,cara-moves\n")
    (tmp_path / "referrals.csv").write_text("Affiliate Email,Stripe Customer ID\ncara@x.com,cus_1\n")
    lines = here(snippet("docs/moving.md", "sh"), shop).replace("chalicelib.cli", "local.cli").splitlines()
    at = {"DATA_DIR": str(shop.stack.data_dir), "PYTHONPATH": str(ROOT)}
    run = [f"cd {tmp_path}; {line}" for line in lines]
    assert "nothing was changed" in shell(f"{run[0]} || true", **at)
    told = shell(f"{run[1]} || true", **at)
    assert shop.stack.api("GET", "/v1/links/cara-moves").expect(200).json["program"] == shop.id
    shell(run[2].replace("imp_...", told.split("--undo ")[1].strip()), **at)
    assert shop.stack.api("GET", "/v1/links/cara-moves").refused(404) == "link_unknown"
