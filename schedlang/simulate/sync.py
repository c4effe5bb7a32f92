"""Channels, mutexes and barriers of a simulated run. All serve those who wait in order of arrival.

They know who waits, and tell whom to wake; waking is the engine's.
"""

from __future__ import annotations

from collections import deque
from typing import final

from schedlang.simulate.threads import Thread


@final
class Channel:
    __slots__ = ("_messages", "_waiting")

    def __init__(self) -> None:
        self._messages = 0
        self._waiting: deque[Thread] = deque()

    def send(self) -> Thread | None:
        """Who gets the message; None: it stays in the channel."""
        if self._waiting:
            return self._waiting.popleft()
        self._messages += 1
        return None

    def receive(self, thread: Thread) -> bool:
        """Whether there was a message; if not, `thread` waits for one."""
        if self._messages:
            self._messages -= 1
            return True
        self._waiting.append(thread)
        return False


@final
class Mutex:
    __slots__ = ("_holder", "_waiting")

    def __init__(self) -> None:
        self._holder: Thread | None = None
        self._waiting: deque[Thread] = deque()

    def lock(self, thread: Thread) -> bool:
        """Whether `thread` has it now; if not, it waits."""
        if self._holder is None:
            self._holder = thread
            return True
        self._waiting.append(thread)
        return False

    def unlock(self) -> Thread | None:
        """Who has it next."""
        self._holder = self._waiting.popleft() if self._waiting else None
        return self._holder


@final
class Meeting:
    """A barrier."""

    __slots__ = ("_parties", "_waiting")

    def __init__(self, parties: int) -> None:
        self._parties = parties
        self._waiting: list[Thread] = []

    def come(self, thread: Thread) -> list[Thread] | None:
        """The others, if `thread` was the last to come; None: it waits."""
        if len(self._waiting) + 1 < self._parties:
            self._waiting.append(thread)
            return None
        others, self._waiting = self._waiting, []
        return others
