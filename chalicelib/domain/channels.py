"""The channel that a referring page belongs to, by its host.

Names follow the default channel groups of web analytics (Google Analytics 4: search, social, e-mail,
video, AI assistants, referral), so that reports read as people expect.
"""

import re
from functools import lru_cache

_HOST = re.compile(r"(?:https?|android-app)://(?:[^/?#@]*@)?([a-z0-9.-]{1,253})(?:[:/?#]|$)", re.IGNORECASE)

_SITES = {
    "search": "google bing duckduckgo yahoo yandex baidu ecosia qwant startpage seznam naver brave",
    "social": (
        "facebook instagram twitter x.com t.co linkedin lnkd.in pinterest reddit tiktok threads snapchat "
        "tumblr vk mastodon bsky whatsapp telegram t.me discord messenger quora"
    ),
    "video": "youtube youtu.be vimeo twitch dailymotion",
    "email": "mail outlook webmail gmail com.google.android.gm superhuman fastmail proton",
    "assistant": "chatgpt openai perplexity claude gemini copilot",
}
_CHANNEL = {site: channel for channel, sites in _SITES.items() for site in sites.split()}


MAX_HOST = 100
"""Characters of a referring host that a click keeps, so that its item stays under 1 KB."""


@lru_cache(maxsize=1024)
def host_of(referrer: str) -> str | None:
    """The host of the referring page, in lower case; None where none can be read, or it is too long to keep.

    Browsers tell no more of a page on another site by default (Referrer Policy, W3C, section 3.7).
    """
    match = _HOST.match(referrer[:2048])
    host = match[1].lower().rstrip(".") if match else ""
    return host if 0 < len(host) <= MAX_HOST else None


@lru_cache(maxsize=1024)
def of_referrer(referrer: str) -> str | None:
    """The channel, `referral` for a host that is in no list; None without a readable referrer.

    A subdomain goes first (`mail.google.com` is e-mail), then the whole host, then its own name
    (`google` in `www.google.co.uk`).
    """
    match = _HOST.match(referrer[:2048])
    if not match:
        return None
    host = match[1].lower().removeprefix("www.").rstrip(".")
    for name in (host, *host.split(".")):
        if name in _CHANNEL:
            return _CHANNEL[name]
    return "referral"
