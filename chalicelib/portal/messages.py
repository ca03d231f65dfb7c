"""What pages say after something was done, by the word that stands in their address (`?done=signed_out`).

A word and not the text itself, so that nobody can put a sentence of their own on a page by a link.
"""

DONE = {
    "signed_out": "You are signed out.",
    "signed_out_everywhere": "You are signed out on every device.",
}
