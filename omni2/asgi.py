"""The server's entrance: `gunicorn -k asgi omni2.asgi`.

`/mcp` goes to the MCP endpoint, everything else to Django. Django does not answer ASGI's lifespan,
so this does: it starts the embedded scheduler and the endpoint, and lets running questions end when
the server is asked to stop.
"""

import asyncio
import gc
import os
import threading

from omni2.handler import get_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omni2.settings")
django_application = get_application()

from django.conf import settings  # noqa: E402  Django is set up by the line above
from django.core.management import call_command  # noqa: E402

from gateway import work  # noqa: E402
from gateway.mcp_endpoint import entrance  # noqa: E402
from gateway.mcp_endpoint.replies import Receive, Scope, Send  # noqa: E402
from omni2.schedule import Scheduler, jobs  # noqa: E402
from registry.hearing import Hearing  # noqa: E402
from registry.mcp.client import connections  # noqa: E402

# A deployment that is set up wrongly does not start; and every view is loaded now, not later.
call_command("check")


# So many more than before are there when the garbage collector looks at them.
NEW_OBJECTS = 10_000

mcp_endpoint = entrance.Endpoint()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Lifespan here, `/mcp` to its endpoint, everything else to Django."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["type"] == "http" and entrance.is_for(scope["path"]):
        await mcp_endpoint(scope, receive, send)
    else:
        await django_application(scope, receive, send)


async def _live(receive: Receive, send: Send) -> None:
    scheduler = None if settings.REDIS_URL else Scheduler(jobs())
    listening = Hearing()
    listening.start()
    try:
        async with mcp_endpoint.running():
            await _until_stopped(scheduler, receive, send)
    finally:
        listening.stop()


async def _until_stopped(scheduler: Scheduler | None, receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            if scheduler is not None:
                scheduler.start()
            threading.Thread(target=_warm_up, name="omni2-warm-up", daemon=True).start()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await asyncio.to_thread(_stop, scheduler)
            await send({"type": "lifespan.shutdown.complete"})
            return


def _warm_up() -> None:
    """Load what would be waited for, and take all that is loaded for granted from then on.

    The garbage collector goes through everything there is, again and again, while nobody is served:
    half a second of the SDKs' classes, none of which ever goes away. It looks at what is new less
    often as well: of the thousands of objects of a call nearly all are gone when that has ended.
    """
    if not settings.REDIS_URL:
        work.warm_up()
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 10)


def _stop(scheduler: Scheduler | None) -> None:
    if scheduler is not None:
        scheduler.stop()
    work.drain()
    connections.close_all()
