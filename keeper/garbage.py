"""When Python looks for cyclic garbage: never while a head waits for what is sent, nor while logs are folded.

A look at everything takes tenths of a second with 100,000 accounts in the book, and comes when it comes:
in a backfill it took a fifth of the time, and nothing that a log leaves behind is cyclic.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_lying() -> Iterator[None]:
    """No look in the block; what is due comes right after it, or after the outer of two blocks."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def keep_what_is() -> None:
    """Never look again at what is there now and stays: the book, all modules. Once in a process."""
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
