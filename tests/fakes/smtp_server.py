"""A mail server that takes messages (RFC 5321), or says no as long as it is told to."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class SmtpServer:
    """Where it is; the messages it took, each with whom it was for; how many it refuses first."""

    port: int = 0
    refuses: int = 0
    taken: list[tuple[list[str], str]] = field(default_factory=list)


@contextmanager
def serve() -> Iterator[SmtpServer]:
    """A mail server on a free port, closed when the block ends."""
    server = SmtpServer()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 here")
            wanted: list[str] = []
            for line in self.rfile:
                word = line.split()[0].upper().decode() if line.split() else ""
                if word == "RCPT":
                    wanted.append(line.decode().partition("<")[2].partition(">")[0])
                if word == "MAIL" and server.refuses:
                    server.refuses -= 1
                    self.say("451 later")
                elif word == "DATA":
                    self.say("354 go on")
                    server.taken.append((wanted, self.text()))
                    self.say("250 taken")
                else:
                    self.say("221 bye" if word == "QUIT" else "250 yes")

        def text(self) -> str:
            lines = iter(self.rfile.readline, b".\r\n")
            return b"".join(lines).decode()

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as listening:
        listening.daemon_threads = True
        server.port = listening.server_address[1]
        threading.Thread(target=listening.serve_forever, args=[0.02], daemon=True).start()
        yield server
        listening.shutdown()
