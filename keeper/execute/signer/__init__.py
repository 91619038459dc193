"""Keys, and the boundary that every signature crosses."""

from keeper.execute.signer.guard import GuardedSigner, Policy
from keeper.execute.signer.local import LocalSigner
from keeper.execute.signer.model import HeldSigner, SignedTx, Signer, UnsignedTx
from keeper.execute.signer.remote import RemoteSigner

__all__ = [
    "GuardedSigner",
    "HeldSigner",
    "LocalSigner",
    "Policy",
    "RemoteSigner",
    "SignedTx",
    "Signer",
    "UnsignedTx",
]
