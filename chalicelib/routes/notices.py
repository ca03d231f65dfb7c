"""The short pages that a link shows when it does not lead on: plain HTML that every reader can use."""

import html


def _page(title: str, *paragraphs: str) -> bytes:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title>"
        "<style>:root{color-scheme:light dark}body{font:1.125rem/1.6 system-ui,sans-serif;max-width:36rem;"
        "margin:15vh auto 0;padding:0 1.25rem}h1{font-size:1.6rem;line-height:1.25}"
        "a,code{overflow-wrap:anywhere}</style></head>"
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    ).encode()


UNKNOWN = _page(
    "This link leads nowhere",
    "There is no page behind this address. It may have been mistyped, or the link was taken down.",
    "Please check it, or ask whoever shared it with you for a new one.",
)

RESTING = _page(
    "This link is resting",
    "Whoever shared it has paused it, or its time is over. Nothing is wrong on your side.",
    "Please try again later, or ask for a new one.",
)

UNAVAILABLE = _page(
    "One moment, please",
    "We cannot look up this link right now. Nothing is wrong on your side.",
    "Please try again in a few seconds.",
)


def preview(location: str) -> bytes:
    """The page that shows where a link leads, and follows nothing until asked."""
    shown = html.escape(location)
    return _page(
        "Where this link leads",
        f"<code>{shown}</code>",
        f'<a href="{shown}" rel="noreferrer nofollow">Go there without the link</a>',
    )
