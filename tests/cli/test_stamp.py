"""`comity stamp` and `comity verify --stamp`, against a time authority made for the run by OpenSSL."""

import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

from comity.cli import app
from tests.builders.chains import FIRST, REMADE, SECOND, told, written

pytest.importorskip("rfc3161_client")
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="OpenSSL plays the authority")
CONFIGURED = """
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[authority]
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = ours
[ours]
serial = {folder}/serial
signer_digest = sha256
digests = sha256, sha512
default_policy = 1.2.3.4
other_policies = 1.2.3.4
ess_cert_id_alg = sha256
"""


def openssl(folder, *arguments):
    subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A folder with a root, an authority's key and certificate, and `reply`, which answers a request."""
    folder = tmp_path_factory.mktemp("authority")
    (folder / "own.cnf").write_text(CONFIGURED.format(folder=folder))
    (folder / "serial").write_text("01\n")
    new = ("req", "-newkey", "rsa:2048", "-nodes", "-config", "own.cnf")
    for name in ("root", "other"):
        openssl(folder, *new, "-x509", "-days", 9, "-extensions", "root", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.pem")  # fmt: skip
    openssl(folder, *new, "-subj", "/CN=authority", "-keyout", "tsa.key", "-out", "tsa.csr")
    openssl(folder, "x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
            "-days", 9, "-extfile", "own.cnf", "-extensions", "authority", "-out", "tsa.pem")  # fmt: skip
    return folder


def reply(authority, query, out):
    openssl(authority, "ts", "-reply", "-config", "own.cnf", "-section", "ours", "-queryfile", query,
            "-signer", "tsa.pem", "-inkey", "tsa.key", "-out", out)  # fmt: skip
    return out


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def stamp(tmp_path, authority):
    """Of the record with one entry."""
    done = run("stamp", written(tmp_path, told(FIRST)), "-o", tmp_path / "head.tsq")
    assert (done.exit_code, FIRST.digest in done.stdout) == (0, True)
    return reply(authority, tmp_path / "head.tsq", tmp_path / "head.tsr")


def test_a_stamp_shows_when_an_entry_existed_and_the_later_ones_are_not_covered(tmp_path, authority, stamp):
    file = written(tmp_path, told(FIRST, SECOND))
    done = run("verify", file, "--stamp", stamp, "--authority", authority / "root.pem")
    assert done.exit_code == 0, done.stderr
    assert "A time authority signed the digest of entry 1 at 20" in done.stdout


def test_a_stamp_of_another_record_another_authority_or_that_was_changed_is_refused(tmp_path, authority, stamp):
    file, root = written(tmp_path, told(FIRST)), authority / "root.pem"
    assert run("verify", file, "--stamp", stamp, "--authority", authority / "other.pem").exit_code == 1
    assert run("verify", file, "--stamp", stamp, "--authority", authority / "tsa.pem").exit_code == 1  # no root
    assert run("verify", file, "--stamp", stamp).exit_code == 2  # whom to trust is not ours to say
    changed = bytearray(stamp.read_bytes())
    changed[-5] ^= 1
    (tmp_path / "changed.tsr").write_bytes(changed)
    (tmp_path / "none.tsr").write_bytes(b"nonsense")
    for name in ("changed.tsr", "none.tsr", "missing.tsr"):
        done = run("verify", file, "--stamp", tmp_path / name, "--authority", root)
        assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    (tmp_path / "other").mkdir()
    other = written(tmp_path / "other", told(*REMADE))
    done = run("verify", other, "--stamp", stamp, "--authority", root)
    assert done.exit_code == 1
    assert "of none of these entries" in done.stderr


def test_the_request_is_sent_where_an_address_is_given_and_the_reply_is_kept(tmp_path, authority):
    class Authority(BaseHTTPRequestHandler):
        def do_POST(self):
            query = tmp_path / "asked.tsq"
            query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            body = reply(authority, query, tmp_path / "asked.tsr").read_bytes() if self.path == "/stamp" else b"no"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Authority)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    file, out = written(tmp_path, told(FIRST, SECOND)), tmp_path / "kept.tsr"
    try:
        assert run("stamp", file, "--url", f"{address}/stamp", "-o", out).exit_code == 0
        done = run("verify", file, "--stamp", out, "--authority", authority / "root.pem")
        assert "digest of entry 2" in done.stdout
        assert run("stamp", file, "--url", f"{address}/else", "-o", out).exit_code == 2
    finally:
        server.shutdown()
        server.server_close()
    for wrong in (address, "file:///etc/passwd", "ftp://x"):
        done = run("stamp", file, "--url", wrong, "-o", tmp_path / "x.tsr")
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "x.tsr").exists()


def test_a_record_that_does_not_verify_is_not_stamped(tmp_path):
    file = written(tmp_path, told(SECOND))
    assert run("stamp", file, "-o", tmp_path / "x.tsq").exit_code == 2
    assert not (tmp_path / "x.tsq").exists()
