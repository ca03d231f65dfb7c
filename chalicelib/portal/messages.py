"""What pages say after something was done, by the word that stands in their address (`?done=signed_out`).

A word and not the text itself, so that nobody can put a sentence of their own on a page by a link.
"""

DONE = {
    "program_created": "The program is there. Publish its terms next.",
    "partner_enrolled": "The partner takes part, and has its first link.",
    "partner_paused": "All links of the partner rest.",
    "partner_resumed": "The partner's links lead on again.",
    "link_made": "The link is there.",
    "link_changed": "The link is changed.",
    "link_deleted": "The link is deleted.",
    "coupon_made": "The promo code is given.",
    "coupon_ended": "The promo code has ended.",
    "adjusted": "It is noted, and booked with the next reconciliation.",
    "reviewed": "It is decided.",
    "entry_booked": "The entry is booked.",
    "paid": "The batch is marked as paid.",
    "paying": "The first payouts are booked; the rest follows within the hour.",
    "rules_published": "The rules are published, for what happens from now on.",
    "terms_published": "The terms are published, and in force from now on.",
    "settings_saved": "The settings are saved.",
    "secret_ended": "The signing secret has ended.",
    "key_ended": "The key has ended.",
    "signed_out": "You are signed out.",
    "application_declined": "The application is declined.",
    "postback_added": "The postback is added. Send it a test to see that it arrives.",
    "postback_removed": "The postback is removed.",
    "postback_tried": "A test is on its way; look again in a moment.",
    "postback_repeated": "The call is on its way once more.",
    "case_opened": "The case is opened; its answer stands below in a moment.",
    "accounts_changed": "Where you are paid is changed.",
    "token_withdrawn": "The token is withdrawn: from now on it opens nothing.",
    "signed_out_everywhere": "You are signed out on every device.",
}
