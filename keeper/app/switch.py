"""The kill switch: a file, a signal or a request stops new liquidations; what is on its way is followed."""

from pathlib import Path


class Switch:
    """Says why nothing new may be sent now, if so. `file` stops everything while it exists."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._why: str | None = None

    def watch(self, file: Path | None) -> None:
        """Look at another file from now on."""
        self._file = file

    def stop(self, why: str) -> None:
        """Send nothing new until `resume`."""
        self._why = why

    def resume(self) -> None:
        """Go on, unless the file is still there."""
        self._why = None

    @property
    def stopped(self) -> str | None:
        """Who stopped it, None while liquidations may be sent."""
        if self._file is not None and self._file.exists():
            return f"stopped by the file {self._file}; remove it to go on"
        return self._why
