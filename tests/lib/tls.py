"""TLS for tests: a server with certificates, and connections of which every record is known."""
import functools
import os
import shutil
import socket
import ssl
import tempfile

import certs
import server as srv


class Certificates:
    """Files by name: certificates["server.crt"]."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="memd-certs-")
        certs.make(self.dir)

    def __getitem__(self, name):
        return os.path.join(self.dir, name)

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def settings(files, name="server", **more):
    """Those of a server that speaks TLS."""
    return {"tls_cert_file": files[name + ".crt"], "tls_key_file": files[name + ".key"],
            "tls_ca_cert_file": files["ca.crt"], "tls_auth_clients": "no", **more}


def context(files, name=None, version=None, ca="ca.crt"):
    """A client's context: it checks the server's certificate and name, and has that of NAME itself."""
    ctx = ssl.create_default_context(cafile=files[ca])
    if name:
        ctx.load_cert_chain(files[name + ".crt"], files[name + ".key"])
    if version:
        ctx.minimum_version = ctx.maximum_version = version
    return ctx


def connect(port, ctx, session=None):
    """A connection over TLS; its handshake is done."""
    sock = socket.create_connection(("127.0.0.1", port), srv.PATIENCE)
    try:
        # An end without good-bye is an error here, not an end.
        return srv.Conn(ctx.wrap_socket(sock, server_hostname="localhost", session=session, suppress_ragged_eofs=False))
    except BaseException:
        sock.close()
        raise


class Records:
    """TLS without a socket: what is said becomes bytes, to be sent when and how the test likes."""

    def __init__(self, ctx):
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = ctx.wrap_bio(self.inward, self.outward, server_hostname="localhost")

    def taken(self):
        return self.outward.read()

    def hello(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.taken()

    def shake(self, sock, send):
        """The whole handshake; `send` gets the bytes to send."""
        while True:
            try:
                self.tls.do_handshake()
                send(self.taken())
                return
            except ssl.SSLWantReadError:
                send(self.taken())
                data = sock.recv(65536)
                if not data:
                    raise EOFError("closed in the handshake")
                self.inward.write(data)

    def say(self, data):
        self.tls.write(data)
        return self.taken()

    def hear(self, sock, n):
        """The next n bytes."""
        out = b""
        while len(out) < n:
            try:
                out += self.tls.read(n - len(out))
            except ssl.SSLWantReadError:
                data = sock.recv(1 << 18)
                if not data:
                    raise EOFError("closed; so far: %r" % out[-100:])
                self.inward.write(data)
        return out


@functools.lru_cache(maxsize=1)
def shared():
    """The certificates of all tests of this process; the process that ends removes them."""
    import atexit
    files = Certificates()
    atexit.register(files.remove)
    return files
