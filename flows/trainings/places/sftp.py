"""SFTP as ssh does it: a host whose key has changed is refused, and an idle connection is kept."""

from pathlib import PurePosixPath

from fsspec.implementations.sftp import SFTPFileSystem
from paramiko import AutoAddPolicy, SSHClient

SECONDS = 20
"""Seconds that a server may take to answer."""

KEEP_SECONDS = 30
"""Seconds between the messages that keep an idle connection open."""


class Sftp(SFTPFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The file system of fsspec, which ignores the user's known hosts, with a check of host keys.

    A host that is not in `~/.ssh/known_hosts` is trusted; one that is there with another key
    is not.
    """

    def _connect(self) -> None:
        self.client = SSHClient()
        self.client.load_system_host_keys()
        self.client.set_missing_host_key_policy(AutoAddPolicy())
        waits = dict.fromkeys(("timeout", "banner_timeout", "auth_timeout"), SECONDS)
        self.client.connect(self.host, **(waits | self.ssh_kwargs))
        transport = self.client.get_transport()
        transport.set_keepalive(KEEP_SECONDS)
        self.ftp = self.client.open_sftp()
        self.ftp.get_channel().settimeout(SECONDS)

    def is_lost(self) -> bool:
        """Return whether the connection is lost."""
        return bool(self.ftp.get_channel().closed) or not self.client.get_transport().is_active()

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder and its parents, even if another process does so at the same time."""
        del exist_ok
        for folder in (*reversed(PurePosixPath(path).parents), PurePosixPath(path)):
            if not self.isdir(str(folder)):
                self._make(str(folder))

    def _make(self, folder: str) -> None:
        try:
            self.ftp.mkdir(folder)
        except OSError:
            if not self.isdir(folder):
                raise
