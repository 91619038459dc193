"""Keys, and the boundary that every signature crosses."""

from keeper.execute.signer.guard import GuardedSigner, Policy
from keeper.execute.signer.local import LocalSigner
from keeper.execute.signer.model import SignedTx, Signer, UnsignedTx

__all__ = ["GuardedSigner", "LocalSigner", "Policy", "SignedTx", "Signer", "UnsignedTx"]
