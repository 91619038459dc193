"""The exception tree is the policy: the class of an error says what happens next.

KeeperError
├── Transient           try again: the outside world hiccuped
│   └── Unreachable     an endpoint gave no usable answer before its deadline
├── Degraded            skip this item, say so, go on
├── Halt                stop signing, keep watching
├── StartOver           what is in memory no longer counts: begin again from the store
│   ├── Fenced          another process signs with this key now
│   └── StoreLost       the database did not answer: what it took is not known
└── Fatal               end the process
    ├── ConfigError     the configuration is wrong (exit 2)
    └── WrongChain      the node serves another chain than configured (exit 2)

CallReverted stands outside the policy: a contract said no, which is an answer.
"""


class KeeperError(Exception):
    """Base of everything this package raises on purpose."""

    exit_code = 1


class Transient(KeeperError):
    """Worth retrying."""

    exit_code = 3


class Unreachable(Transient):
    """No usable answer from an endpoint before the deadline."""


class Degraded(KeeperError):
    """One item cannot be handled; the rest can."""


class Halt(KeeperError):
    """Signing must stop; watching may go on."""


class StartOver(KeeperError):
    """What the process remembers of its transactions no longer counts; the store knows."""


class Fenced(StartOver):
    """Another process holds the key's lease: this one must not write, sign or send."""


class StoreLost(StartOver):
    """The database did not answer, so nobody knows whether it took the last write."""

    exit_code = 3


class Fatal(KeeperError):
    """The process must end."""


class ConfigError(Fatal):
    """Something the operator wrote is wrong. The message names key, value, reason and fix."""

    exit_code = 2


class WrongChain(Fatal):
    """The node answers for another chain id than the configured one."""

    exit_code = 2


class CallReverted(KeeperError):
    """A contract call reverted; `data` is the raw revert data."""

    def __init__(self, message: str, data: bytes = b"") -> None:
        super().__init__(message)
        self.data = data
