"""The page that describes the API to people."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated


class DocsView(SpectacularSwaggerSplitView):
    """The API, to be read and tried; a browser without a session is led to the login page."""

    # REST framework promises its own kind of response, and passes on every other.
    def handle_exception(self, exc: Exception) -> Any:
        is_nobody = isinstance(exc, NotAuthenticated | AuthenticationFailed)
        if is_nobody and self._is_browser():
            return redirect_to_login(self.request.get_full_path())
        return super().handle_exception(exc)

    def _is_browser(self) -> bool:
        """Programs bring a key, or do not ask for HTML by its name."""
        headers = self.request.headers
        return "text/html" in headers.get("Accept", "") and "Authorization" not in headers
