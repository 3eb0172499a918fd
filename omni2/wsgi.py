"""For tools that want WSGI (`runserver`). The server of the product is ASGI: `omni2.asgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omni2.settings")
application = get_wsgi_application()
