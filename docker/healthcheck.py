"""Exit 0 when the web server of this container answers, whatever host name it is meant to have."""

import http.client
import sys


def main() -> int:
    """A redirect to HTTPS or a refused host name comes from a living process, too."""
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
    connection.request("GET", "/api/health/live")
    return 0 if connection.getresponse().status < 500 else 1


if __name__ == "__main__":
    sys.exit(main())
