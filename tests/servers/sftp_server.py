"""An SFTP server on loopback, in a thread of the test's process."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import asyncssh


class SftpServer:
    """Serves a folder as `/` to one user, who has a password."""

    user, password = "ada", "s3cret/word@1"

    def __init__(self, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.folder, self.loop = folder, loop
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.public_key = self.key.export_public_key().decode()
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.port = 0

    def address(self, path: str) -> str:
        """The URL of a path, with the password in it."""
        login = f"{self.user}:{quote(self.password, safe='')}"
        return f"sftp://{login}@127.0.0.1:{self.port}/{path}"

    def new_key(self) -> str:
        """A public key that is not the server's."""
        return asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()

    def drop_connections(self) -> None:
        """Cut off all connections without a message."""
        asyncio.run_coroutine_threadsafe(self._drop(), self.loop).result(20)

    async def _drop(self) -> None:
        while self.connections:
            connection = self.connections.pop()
            connection.abort()
            await connection.wait_closed()
        for _ in range(3):  # until the sockets are closed too
            await asyncio.sleep(0)

    async def listen(self) -> asyncssh.SSHAcceptor:
        known, login = self.connections, (self.user, self.password)

        class Login(asyncssh.SSHServer):
            def connection_made(self, connection: asyncssh.SSHServerConnection) -> None:
                known.append(connection)

            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == login

        def files(channel: asyncssh.SSHServerChannel) -> asyncssh.SFTPServer:
            return asyncssh.SFTPServer(channel, chroot=str(self.folder))

        listener = await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Login, server_host_keys=[self.key], sftp_factory=files
        )
        self.port = listener.get_port()
        return listener


@contextmanager
def serving(folder: Path) -> Iterator[SftpServer]:
    """Serve a folder until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = SftpServer(folder, loop)
    listener = asyncio.run_coroutine_threadsafe(server.listen(), loop).result(20)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(listener.close)
        asyncio.run_coroutine_threadsafe(listener.wait_closed(), loop).result(20)
        server.drop_connections()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()
