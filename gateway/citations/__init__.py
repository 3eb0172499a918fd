"""Which result each figure, date and identifier of an answer stands in; pure, and no model asked.

`claims` finds what an answer says in so many digits, `index` reads a result once, `linking` brings
the two together, `computed` shows what was worked out from a result's rows.
"""

from gateway.citations.linking import link
from gateway.citations.model import Citation, Claim, Kind, Linked, Origin, Source, Status

__all__ = ["Citation", "Claim", "Kind", "Linked", "Origin", "Source", "Status", "link"]
