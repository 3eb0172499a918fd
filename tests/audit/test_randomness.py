"""Salts and ids: random, given once, and to one process alone."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

from audit import randomness


def test_each_is_as_long_as_asked_for_and_given_once() -> None:
    given = [randomness.token_bytes(32) for _ in range(1000)]
    assert {len(one) for one in given} == {32}
    assert len(set(given)) == 1000
    # More than is fetched at once, and no part of it is zero or repeated.
    whole = randomness.token_bytes(4 * randomness.STOCK_BYTES)
    parts = {whole[n : n + 8] for n in range(0, len(whole), 8)}
    assert len(parts) == 4 * randomness.STOCK_BYTES / 8


def test_hexadecimal_and_uuids_are_what_the_standard_library_gives() -> None:
    assert len(randomness.token_hex(16)) == len(bytes.fromhex(randomness.token_hex(16))) * 2 == 32
    made = {randomness.uuid4() for _ in range(1000)}
    assert len(made) == 1000
    assert {(one.version, one.variant) for one in made} == {(4, "specified in RFC 4122")}


def test_threads_are_not_given_the_same() -> None:
    together = threading.Barrier(4)

    def take() -> list[bytes]:
        together.wait(10)
        return [randomness.token_bytes(16) for _ in range(500)]

    with ThreadPoolExecutor(4) as threads:
        parts = [threads.submit(take) for _ in range(4)]
    assert len({one for part in parts for one in part.result()}) == 2000


def test_a_forked_process_is_not_given_what_its_parent_is() -> None:
    randomness.token_bytes(1)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, randomness.token_bytes(16))
        os._exit(0)
    os.close(writing)
    assert os.waitpid(pid, 0)[1] == 0
    with os.fdopen(reading, "rb") as theirs:
        assert theirs.read() not in (b"", randomness.token_bytes(16))
