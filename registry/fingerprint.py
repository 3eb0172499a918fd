"""The fingerprint of a tool: what stands for the object that somebody accepted."""

import hashlib
import json
from typing import Any


def fingerprint(tool: Any) -> str:
    """SHA-256, in hex, of the whole tool object whatever the order its keys came in.

    Everything counts: name, title, description, schemas, annotations, icons, and what nobody has
    specified yet. A server cannot change any of it unseen.
    """
    canonical = json.dumps(tool, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
