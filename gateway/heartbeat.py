"""One thread keeps the leases of all questions a process works on, and hears when to stop one."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import Error, connection
from django.db.models.functions import Now
from django.utils import timezone

from gateway import errors
from gateway.models import Question

log = logging.getLogger(__name__)
LISTEN_SECONDS = 1.0


@dataclass
class Pulse:
    """One question's worker: `stopped` is set when it must stop, `why` says why."""

    question: Question
    stopped: threading.Event = field(default_factory=threading.Event)
    why: type[errors.GatewayError] | None = None

    def stop(self, why: type[errors.GatewayError]) -> None:
        self.why = self.why or why
        self.stopped.set()

    def check(self) -> None:
        """Raise Cancelled, Expired or LeaseLost when the worker must not go on."""
        if self.why is None and self.question.past_deadline():
            self.stop(errors.Expired)
        if self.why is not None:
            raise self.why()


class Heart:
    """Renews the leases of this process's questions, notices cancelling and lost leases."""

    def __init__(self) -> None:
        self._pulses: dict[str, Pulse] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def beat_for(self, question: Question) -> Iterator[Pulse]:
        """Keep the question's lease while the block runs."""
        pulse = Pulse(question)
        with self._lock:
            self._pulses[question.owner] = pulse
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="omni2-heart", daemon=True)
                self._thread.start()
        try:
            yield pulse
        finally:
            with self._lock:
                self._pulses.pop(question.owner, None)

    def cancel_here(self, question: Question) -> None:
        """Stop the question at once if it runs here; other processes hear it in a second."""
        with self._lock:
            found = [pulse for pulse in self._pulses.values() if pulse.question.pk == question.pk]
        for pulse in found:
            pulse.stop(errors.Cancelled)

    def _run(self) -> None:
        renewed = time.monotonic()
        while True:
            time.sleep(LISTEN_SECONDS)
            with self._lock:
                pulses = list(self._pulses.values())
                if not pulses:
                    self._thread = None
                    break
            due = time.monotonic() - renewed > settings.QUESTION_LEASE / 3
            try:
                self._beat(pulses, renew=due)
                renewed = time.monotonic() if due else renewed
            except Error:
                log.warning("the database did not answer the heartbeat", exc_info=True)
                # One that broke stays broken, and nobody else looks after this thread.
                connection.close()
        connection.close()

    def _beat(self, pulses: list[Pulse], *, renew: bool) -> None:
        owned = Question.objects.filter(
            state=Question.State.RUNNING, owner__in=[pulse.question.owner for pulse in pulses]
        )
        if renew:
            owned.update(lease_until=Now() + timedelta(seconds=settings.QUESTION_LEASE))
        cancelled = dict(owned.values_list("owner", "cancel_requested"))
        for pulse in pulses:
            if pulse.question.deadline_at <= timezone.now():
                pulse.stop(errors.Expired)
            elif pulse.question.owner not in cancelled:
                pulse.stop(errors.LeaseLost)
            elif cancelled[pulse.question.owner]:
                pulse.stop(errors.Cancelled)


heart = Heart()
