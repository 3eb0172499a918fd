"""The settings of pages: what they look like and what they may load; a part of `omni2.settings`."""

STATIC_URL = "static/"
UNFOLD = {
    "SITE_TITLE": "OMNI2",
    "SITE_HEADER": "OMNI2",
    "SITE_SUBHEADER": "Administration",
    "SITE_SYMBOL": "door_open",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": f"/{STATIC_URL}gateway/icon.svg"}
    ],
    "STYLES": [f"/{STATIC_URL}gateway/admin.css"],
    # The record is the history.
    "SHOW_HISTORY": False,
    "SIDEBAR": {"show_search": True, "navigation": "omni2.site.sidebar"},
    # The page's own green: --accent of gateway/base.css.
    "COLORS": {
        "primary": {
            "50": "#eefaf6",
            "100": "#d5f2e8",
            "200": "#aee5d3",
            "300": "#7bd1b8",
            "400": "#46b599",
            "500": "#249a80",
            "600": "#0f7b66",
            "700": "#0f6b5c",
            "800": "#0f524a",
            "900": "#0e443d",
            "950": "#042723",
        },
    },
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    },
}
# What is added under /admin/ alone: unfold's scripts evaluate expressions and set styles.
ADMIN_CONTENT_SECURITY_POLICY = {
    "script-src": ["'self'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
}
