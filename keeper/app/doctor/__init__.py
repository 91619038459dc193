"""Examining every dependency of a configuration, for `keeper doctor`."""

from keeper.app.doctor.check import Check
from keeper.app.doctor.examine import Examination, examine

__all__ = ["Check", "Examination", "examine"]
