"""What a shop pastes to tell its sales: for each way one snippet, filled in for a program."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from chalicelib.domain import snippet_texts as texts
from chalicelib.domain.money import format_major
from chalicelib.domain.program import Consent, Method, Program
from chalicelib.domain.terms import Attribution, CouponRule

SAMPLE_MINOR = 4990
"""The amount of the sale in every snippet: 49.90 EUR, 4990 JPY, 4.990 KWD."""

SALE = "sale"
CLICK_NAME = "ll_click"

_BLANK = re.compile(r"\[\[([a-z_]+)\]\]")


@dataclass(frozen=True, slots=True)
class Snippet:
    """One way to tell sales, or what belongs to them.

    `method` is a tracking method's name, `coupon`, `cookie`, `install` or `device`; `language` that of the
    text; `steps` what else is to be done, in order; `document` where it is explained.
    """

    method: str
    title: str
    language: str
    text: str
    steps: tuple[str, ...]
    document: str


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose snippets they are. `base_url` is the origin that they call, `event` one that the terms name."""

    program: Program
    attribution: Attribution
    base_url: str
    event: str = SALE


Writer = Callable[[Subject], list[Snippet]]


def all_of(subject: Subject) -> list[Snippet]:
    """The snippets of every way that the program uses, those that need no confirmation first."""
    methods = subject.program.methods
    found = [snippet for method in _BY_METHOD if method in methods for snippet in _BY_METHOD[method](subject)]
    if subject.attribution.coupon is not CouponRule.OFF:
        found.append(_coupon(subject))
    if methods & {Method.API, Method.POSTBACK}:
        found += [*_cookies(subject), _android(subject)]
    return [*found, *_devices(subject)]


def tag_element(base_url: str, program: str, attributes: str = "") -> str:
    """The element that loads the tag."""
    return _fill(texts.TAG, {"base": base_url, "program": program, "attributes": attributes})


def event_for(events: Sequence[str]) -> str:
    """The event that snippets tell, of those that terms name: a sale where that is one."""
    return SALE if SALE in events or not events else events[0]


def _tag(subject: Subject) -> list[Snippet]:
    program = subject.program
    attributes = f' data-param="{program.click_param}"' if program.click_param != CLICK_NAME else ""
    if program.consent is Consent.REQUIRED:
        attributes += ' data-consent="required"'
    steps = [
        f"Content-Security-Policy: script-src {subject.base_url}; connect-src {subject.base_url}.",
        "It keeps the click of the landing page in a first-party cookie.",
    ]
    if program.consent is Consent.REQUIRED:
        steps.append("Once the visitor agrees: linkledger('consent', 'granted').")
    element = tag_element(subject.base_url, program.id, attributes)
    page = Snippet(Method.TAG, "The tag: on every page", "html", element, tuple(steps), "docs/tag.md")
    confirmation = _snippet(
        subject,
        Method.TAG,
        "The tag: on the confirmation page",
        "html",
        texts.CONVERT,
        "Fill in order id, amount and promo code of the order.",
        "An integer is minor units, a text major units.",
        _confirmation(program),
    )
    return [page, confirmation]


def _pixel(subject: Subject) -> list[Snippet]:
    steps = (
        "Put it on the confirmation page, with order id and amount of the order.",
        f"Add click_id with the {subject.program.click_param} of your landing page, from your session.",
        f"Content-Security-Policy: img-src {subject.base_url}.",
        _confirmation(subject.program),
    )
    return [_snippet(subject, Method.PIXEL, "The pixel", "html", texts.PIXEL, *steps)]


def _postback(subject: Subject) -> list[Snippet]:
    steps = (
        f"Keep the {subject.program.click_param} of the landing page, and fill it in for {{click_id}}.",
        "Call it from your server once the order is paid; the token is a secret, and stays on the server.",
        "The same order again is the same conversion, so a call without an answer is made again.",
    )
    return [_snippet(subject, Method.POSTBACK, "A postback", "url", texts.POSTBACK, *steps)]


def _api(subject: Subject) -> list[Snippet]:
    program = subject.program
    order = (
        f'{{"program": "{program.id}", "event": "{subject.event}", "order_id": "A-1001", '
        f'"amount": {SAMPLE_MINOR}, "currency": "{program.currency}", "click_id": click}}'
    )
    again = "A call without an answer is made again: the order is the idempotency key."
    by_key = (
        "Make a key for the program, and keep it on your server as KEY.",
        f"Keep the {program.click_param} that the landing page receives; it is LL_CLICK here.",
        again,
    )
    signed = (
        f"Make a signing secret: POST /v1/programs/{program.id}/secrets, or on the console under Access.",
        f"Once the order is paid: tell({order}, secret)",
        again,
    )
    return [
        _snippet(subject, Method.API, "The API, with a key", "sh", texts.API_BY_KEY, *by_key),
        _snippet(subject, Method.API, "The API, signed", "python", texts.API_SIGNED, *signed),
    ]


def _shopify(subject: Subject) -> list[Snippet]:
    steps = (
        "Put it on every page of the theme, so that the order carries the click.",
        "Settings, Notifications, Webhooks: orders/create, orders/paid, orders/cancelled, refunds/create, "
        f"disputes/create, disputes/update, format JSON, URL {_hook(subject, Method.SHOPIFY)}",
        _secret(subject, Method.SHOPIFY, "the signing secret below the list"),
    )
    return [_snippet(subject, Method.SHOPIFY, "Shopify", "html", texts.SHOPIFY, *steps)]


def _woocommerce(subject: Subject) -> list[Snippet]:
    steps = (
        'WooCommerce, Settings, Advanced, Webhooks: "Order created", "Order updated", this delivery URL.',
        _secret(subject, Method.WOOCOMMERCE, "the webhook's secret"),
        "The click comes from WooCommerce's own order attribution, or the order's metadata ll_click.",
    )
    return [
        _snippet(
            subject, Method.WOOCOMMERCE, "WooCommerce", "url", _hook(subject, Method.WOOCOMMERCE), *steps
        )
    ]


def _stripe(subject: Subject) -> list[Snippet]:
    steps = (
        f"Hand the {subject.program.click_param} over as click_id when you create the checkout.",
        "Developers, Webhooks: checkout.session.completed, checkout.session.async_payment_succeeded, "
        f"invoice.paid, charge.refunded, charge.dispute.closed, URL {_hook(subject, Method.STRIPE)}",
        _secret(subject, Method.STRIPE, "the signing secret, which begins with whsec_"),
    )
    return [_snippet(subject, Method.STRIPE, "Stripe", "python", texts.STRIPE, *steps)]


def _app(method: Method, title: str, parameters: str, carries: str) -> Writer:
    def write(subject: Subject) -> list[Snippet]:
        url = f"{subject.base_url}/hooks/{method}/{subject.program.id}{parameters}"
        steps = (
            f"The link to the store carries the click's token as {carries}.",
            "Give the service this URL, with the secret in the place of SECRET."
            if parameters
            else "Give the Push API this URL, with the secret as its token.",
            _secret(subject, method, "the secret"),
            "Name the events in the terms as the service does.",
        )
        return [_snippet(subject, method, title, "url", url, *steps)]

    return write


def _coupon(subject: Subject) -> Snippet:
    steps = (
        "Give each partner a code of its own, and make the same code in your shop.",
        "Tell the code with the order, as coupon: it credits the partner without any click.",
    )
    return _snippet(subject, "coupon", "A promo code", "sh", texts.COUPON, *steps)


def _cookies(subject: Subject) -> list[Snippet]:
    step = "Tell the order by the API or a postback, with the cookie's value as click_id."
    kinds = (
        ("Python (WSGI)", "python", texts.COOKIE_PYTHON),
        ("Node (Express)", "js", texts.COOKIE_NODE),
        ("PHP", "php", texts.COOKIE_PHP),
    )
    return [
        _snippet(subject, "cookie", f"A cookie of your server: {name}", language, text, step)
        for name, language, text in kinds
    ]


def _android(subject: Subject) -> Snippet:
    steps = (
        "Let a link lead to the app's page on Google Play, which has to be one of the program's domains "
        "(play.google.com): the click is in referrer, which the app gets on its first start.",
        "Add com.android.installreferrer:installreferrer to the app, and run this once.",
        "Tell the install from your server by the API or a postback, with the event install.",
    )
    return _snippet(
        subject, "install", "An Android app: the install referrer", "kotlin", texts.ANDROID, *steps
    )


def _devices(subject: Subject) -> list[Snippet]:
    """That two devices are one customer's, by a browser or by a server, whichever the program uses."""
    methods = subject.program.methods
    told = "Tell it after a log-in, with your own id of the customer and never an e-mail address."
    sold = "Tell the same customer_id with the order: clicks of all the customer's devices are found by it."
    found = []
    if Method.TAG in methods:
        title = "A customer's devices: by the tag"
        found.append(_snippet(subject, "device", title, "html", texts.IDENTIFY, told, sold))
    if Method.API in methods:
        title = "A customer's devices: by your server"
        found.append(_snippet(subject, "device", title, "sh", texts.IDENTIFY_SERVER, told, sold))
    return found


def _hook(subject: Subject, method: Method) -> str:
    event = "" if subject.event == SALE else f"?event={quote(subject.event, safe='')}"
    return f"{subject.base_url}/hooks/{method}/{subject.program.id}{event}"


def _secret(subject: Subject, method: Method, what: str) -> str:
    body = f'{{"source": "{method}", "secret": "..."}}'
    return f"Tell us {what}: POST /v1/programs/{subject.program.id}/hooks with {body}."


def _confirmation(program: Program) -> str:
    if program.trust_browser:
        return "Anybody can send it; this program trusts it all the same."
    return (
        "Anybody can send it: the sale is held until a server call, an order file or a reviewer confirms it."
    )


def _snippet(subject: Subject, method: str, title: str, language: str, template: str, *steps: str) -> Snippet:
    text = _fill(template, _values(subject))
    named = "tag" if language == "html" and method == "device" else _DOCUMENTS.get(method, "carts")
    return Snippet(method, title, language, text, steps, f"docs/{named}.md")


def _values(subject: Subject) -> dict[str, str]:
    program = subject.program
    days = subject.attribution.window_days_for(Method.API)
    return {
        "base": subject.base_url,
        "program": program.id,
        "param": program.click_param,
        "token": quote(program.postback_token, safe=""),
        "currency": program.currency,
        "minor": str(SAMPLE_MINOR),
        "major": format_major(SAMPLE_MINOR, program.currency),
        "event": subject.event,
        "event_in_url": quote(subject.event, safe=""),
        "days": str(days),
        "seconds": str(days * 86400),
    }


def _fill(template: str, values: Mapping[str, str]) -> str:
    return _BLANK.sub(lambda match: values[match[1]], template)


_DOCUMENTS = {
    Method.TAG: "tag",
    Method.PIXEL: "pixel",
    Method.POSTBACK: "postback",
    Method.API: "api",
    "coupon": "coupons",
    "cookie": "tag",
    "device": "api",
}

_ADJUST = (
    "?token=SECRET&activity_kind={activity_kind}&event_name={event_name}&adid={adid}&label={label}"
    "&revenue_float={revenue_float}&currency={currency}&created_at={created_at}"
)

_BY_METHOD: Mapping[Method, Writer] = {
    Method.API: _api,
    Method.POSTBACK: _postback,
    Method.TAG: _tag,
    Method.PIXEL: _pixel,
    Method.SHOPIFY: _shopify,
    Method.WOOCOMMERCE: _woocommerce,
    Method.STRIPE: _stripe,
    Method.APPSFLYER: _app(Method.APPSFLYER, "AppsFlyer", "", "ll_click, clickid or af_sub1 to af_sub5"),
    Method.ADJUST: _app(Method.ADJUST, "Adjust", _ADJUST, "label"),
    Method.BRANCH: _app(Method.BRANCH, "Branch", "?token=SECRET", "link data ll_click"),
}
