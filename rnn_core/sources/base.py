"""Sources of data: a source puts the same files into an empty folder each time."""

from abc import ABC, abstractmethod
from pathlib import Path


class Source(ABC):
    """Where the raw data of a dataset comes from."""

    @abstractmethod
    def fetch(self, folder: Path) -> None:
        """Put the files of the source into an empty folder.

        Raises:
            SourceError: If they could not be fetched or are not what they should be.
        """
