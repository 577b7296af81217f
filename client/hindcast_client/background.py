"""What works beside the requests: a thread that is begun, ended, and begun anew after a fork."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import ClassVar, Self

from hindcast_client.forks import tell_after_fork


class Background:
    """A daemon thread that runs `_run` until `_stopping` is set (`start`, `close`, or ``with``)."""

    _name: ClassVar[str]
    _join_seconds: ClassVar[float] = 1.0
    """How long `close` waits for it to end."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._begin()
        tell_after_fork(self)

    def start(self) -> Self:
        """Begin; a second time changes nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        return self

    def close(self) -> None:
        """End; what was known stays known."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(self._join_seconds)
            self._thread = None

    def after_fork(self) -> None:
        """In the child: another process, another thread."""
        was_running, self._thread = self._thread is not None and not self._stopping.is_set(), None
        self._stopping = threading.Event()
        self._begin()
        if was_running:
            self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> None:
        """Forget what belongs to another process."""
        raise NotImplementedError

    def _run(self) -> None:
        """The work; ends soon after `_stopping` is set."""
        raise NotImplementedError
