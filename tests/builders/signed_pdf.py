"""PDF files signed as other programs sign them: by an incremental update, with a certificate made for the test."""

import io
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def _named(name, organisation):
    return x509.Name([
        x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
    ])  # fmt: skip


def authority(name="Test Authority"):
    """A certificate that signs itself, with its key."""
    return _authority(name)


@cache
def _authority(name):
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(_named(name, "Trust Ltd")).issuer_name(_named(name, "Trust Ltd"))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9)).not_valid_after(now + timedelta(days=900))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(cert_sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return made, key


def _usage(*, cert_sign=False):
    return x509.KeyUsage(
        digital_signature=not cert_sign, content_commitment=not cert_sign, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=cert_sign, crl_sign=cert_sign,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


@cache
def certificate(name="Olga Marin", organisation="Helpline", *, stamps=False, days=300, of="Test Authority"):
    """A certificate for a person, or for a time authority, with its key."""
    root, root_key = authority(of)
    key = rsa.generate_private_key(65537, 2048)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(_named(name, organisation)).issuer_name(root.subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9)).not_valid_after(now + timedelta(days=days))
        .add_extension(_usage(), critical=True)
    )  # fmt: skip
    if stamps:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return made.sign(root_key, hashes.SHA256()), key


def pem(made):
    """A certificate as text."""
    return made.public_bytes(serialization.Encoding.PEM)


def key_pem(key, passphrase=b""):
    """A key as text, sealed where a passphrase is given."""
    sealed = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)


def pkcs12_file(path: Path, passphrase: bytes, **named):
    """A certificate with its key and its authority in one file."""
    made, key = certificate(**named)
    sealed = serialization.BestAvailableEncryption(passphrase)
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"seal", key, made, [authority()[0]], sealed))
    return path


def signer(made, key):
    """Somebody who signs, as pyHanko has them."""
    from asn1crypto import keys
    from asn1crypto import x509 as asn1_x509
    from pyhanko.sign import signers
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    def read(one):
        return asn1_x509.Certificate.load(one.public_bytes(serialization.Encoding.DER))

    store = SimpleCertificateStore()
    store.register(read(authority()[0]))
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return signers.SimpleSigner(signing_cert=read(made), signing_key=keys.PrivateKeyInfo.load(der), cert_registry=store)


def stamper():
    """A time authority that answers within the test."""
    from pyhanko.sign.timestamps import DummyTimeStamper

    made = signer(*certificate("Test Time", "Clock Ltd", stamps=True))
    return DummyTimeStamper(made.signing_cert, made.signing_key, certs_to_embed=made.cert_registry)


def signed(
    content: bytes, *, page=None, name="Signature1", stamped=False, by=None, prepare=None, box=(60, 60, 260, 140)
) -> bytes:
    """The file with a signature added; visible on a page (from 0, -1 the last) where one is named.

    :param prepare: called with pyHanko's writer before it is signed, to add what does not belong there
    """
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    writer = IncrementalPdfFileWriter(io.BytesIO(content), strict=False)
    if prepare is not None:
        prepare(writer)
    box = {} if page is None else {"on_page": page, "box": box}
    fields.append_signature_field(writer, fields.SigFieldSpec(name, **box))
    signing = signers.PdfSigner(
        signers.PdfSignatureMetadata(field_name=name, reason="I agree"), signer=by or signer(*certificate()),
        timestamper=stamper() if stamped else None,
    )  # fmt: skip
    return signing.sign_pdf(writer).getvalue()


def updated(content: bytes, prepare) -> bytes:
    """The file with an update that is no signature."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer, out = IncrementalPdfFileWriter(io.BytesIO(content), strict=False), io.BytesIO()
    prepare(writer)
    writer.write(out)
    return out.getvalue()
