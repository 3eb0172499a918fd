"""What failed logins are counted under. The counting and the locking are django-axes'."""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from accounts.models import User


def account_of(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> str:
    """The account that a login is for: its address, or a digest of what nobody is called.

    People type passwords into the wrong field, and what is counted is stored.
    """
    given = credentials or {}
    typed = given.get("username") or given.get("email") or request.POST.get("username", "")
    address = str(typed).strip().lower()[:254].replace("\x00", "")
    if User.objects.filter(email=address).exists():
        return address
    return f"unknown:{hashlib.sha256(address.encode()).hexdigest()[:32]}"
