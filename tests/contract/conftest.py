"""What tests of contracts share."""

import boa
import pytest


@pytest.fixture(autouse=True)
def _fresh_traces() -> None:
    """Boa explains failures by what was written at an address; the next test has another contract there."""
    boa.env.sha3_trace.clear()
    boa.env.sstore_trace.clear()
