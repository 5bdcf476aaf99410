#!/usr/bin/python3
"""Certificates for tests, by the openssl program:  certs.py DIRECTORY

    ca.crt             the authority; server.crt/.key are for localhost, 127.0.0.1 and ::1
    client.crt/.key    CN=alice, with the URIs urn:memd:missing and alice
    renewed, rsa       the server's names again with another key, and with an RSA key
    server.pass.key    the server's key, encrypted by "secret pass"
    bob, nobody        clients of these names; two has the common names alice and bob
    nul                its common name is alice, a NUL byte, and more
    expired, selfsigned, stranger (signed by other-ca): clients that must not come in
    dh.pem             parameters for DHE ciphers
"""
import os
import subprocess
import sys

CA = """[ca]
default_ca = one
[one]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""


class Maker:
    def __init__(self, directory):
        self.dir = directory
        os.makedirs(directory, mode=0o700, exist_ok=True)

    def openssl(self, *args, data=None):
        done = subprocess.run(["openssl", *args], cwd=self.dir, input=data, capture_output=True)
        if done.returncode != 0:
            raise RuntimeError("openssl %s: %s" % (" ".join(args), done.stderr.decode()))
        return done.stdout

    def write(self, name, data):
        with open(os.path.join(self.dir, name), "wb") as f:
            f.write(data)

    def read(self, name):
        with open(os.path.join(self.dir, name), "rb") as f:
            return f.read()

    def key(self, name, *kind):
        kind = kind or ("EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        self.openssl("genpkey", "-algorithm", *kind, "-out", name + ".key")

    def self_signed(self, name, subject, *more):
        self.key(name)
        self.openssl("req", "-x509", "-new", "-key", name + ".key", "-sha256", "-days", "3650", "-subj", subject,
                     "-out", name + ".crt", *more)

    def signed(self, name, subject, ca="ca", names=None):
        """A certificate for NAME.key, which is made if it is missing."""
        if not os.path.exists(os.path.join(self.dir, name + ".key")):
            self.key(name)
        more = []
        if names:
            self.write(name + ".ext", b"subjectAltName=" + names.encode())
            more = ["-extfile", name + ".ext"]
        self.openssl("req", "-new", "-key", name + ".key", "-subj", subject, "-out", name + ".csr")
        self.openssl("x509", "-req", "-in", name + ".csr", "-CA", ca + ".crt", "-CAkey", ca + ".key", "-CAcreateserial",
                     "-sha256", "-days", "3650", "-out", name + ".crt", *more)

    def expired(self, name, subject):
        self.key(name)
        self.write("index.txt", b"")
        self.write("ca.cnf", CA.encode())
        self.openssl("req", "-new", "-key", name + ".key", "-subj", subject, "-out", name + ".csr")
        self.openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.crt", "-keyfile", "ca.key",
                     "-in", name + ".csr", "-startdate", "20000101000000Z", "-enddate", "20010101000000Z",
                     "-out", name + ".crt")

    def with_nul(self, name):
        """What no program writes: the name is patched, and what is signed is signed again."""
        self.signed(name, "/CN=alice@evil")
        der = self.openssl("x509", "-in", name + ".crt", "-outform", "DER")
        _, body = parts(der)[0]
        tbs, algorithm, _ = parts(body)
        signed = encode(*tbs).replace(b"alice@evil", b"alice\0evil")
        self.write(name + ".tbs", signed)
        signature = self.openssl("dgst", "-sha256", "-sign", "ca.key", name + ".tbs")
        der = encode(0x30, signed + encode(*algorithm) + encode(3, b"\0" + signature))
        self.write(name + ".crt", self.openssl("x509", "-inform", "DER", data=der))


def parts(der):
    """The tags and contents that stand one after the other."""
    out, at = [], 0
    while at < len(der):
        n, head = der[at + 1], 2
        if n & 0x80:
            head += n & 0x7f
            n = int.from_bytes(der[at + 2:at + head], "big")
        out.append((der[at], der[at + head:at + head + n]))
        at += head + n
    return out


def encode(tag, body):
    n = len(body)
    size = bytes([n]) if n < 0x80 else bytes([0x80 | (n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + size + body


def make(directory):
    m = Maker(directory)
    for name, subject in ("ca", "/CN=memd test authority"), ("other-ca", "/CN=another authority"):
        m.self_signed(name, subject, "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    m.key("rsa", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    for name in "server", "renewed", "rsa":
        m.signed(name, "/CN=localhost", names="DNS:localhost,IP:127.0.0.1,IP:::1")
    m.openssl("pkey", "-in", "server.key", "-aes256", "-passout", "pass:secret pass", "-out", "server.pass.key")
    m.signed("client", "/CN=alice", names="URI:urn:memd:missing,URI:alice")
    m.signed("bob", "/CN=bob")
    m.signed("nobody", "/CN=nobody")
    m.signed("two", "/CN=alice/CN=bob")
    m.with_nul("nul")
    m.signed("stranger", "/CN=alice", ca="other-ca")
    m.self_signed("selfsigned", "/CN=alice")
    m.expired("expired", "/CN=alice")
    m.openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", "dh.pem")
    return directory


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print("certificates for tests are in " + make(sys.argv[1]))
