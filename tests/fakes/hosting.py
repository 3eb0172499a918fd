"""Where fakes listen: a free port of this machine, by IPv4 or by IPv6."""

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = "127.0.0.1"


class _ByIPv6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


def http_server(handler: type[BaseHTTPRequestHandler], host: str = HERE) -> ThreadingHTTPServer:
    """An HTTP server on a free port, not yet serving."""
    return (_ByIPv6 if ":" in host else ThreadingHTTPServer)((host, 0), handler)


def address(host: str, port: int) -> str:
    """Host and port as a URL names them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
