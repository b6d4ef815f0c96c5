"""The seal of files of the agreement: a signature of whoever runs the room, with a time stamp where one is asked for.

It shows that a file is as the room made it. It is nobody's signature of the agreement. A file says of itself how it is
sealed, so it is written anew where the time authority does not answer: a file without a stamp never claims one.
"""

import io
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from cryptography import x509
from cryptography.x509.oid import NameOID
from django.conf import settings

from comity.review.i18n.words import Words, clean

FIELD = "Seal"
_PATIENCE_S = 10
_LOG = logging.getLogger(__name__)


def sealed(render: Callable[[str], bytes], words: Words) -> bytes:
    """Return a file with the room's seal, where it has one, and with what it says of it.

    :param render: makes the file with a sentence about its seal
    """
    seal = settings.SEAL
    if seal is None:
        return render(words("seal.none"))
    certificate = x509.load_der_x509_certificate(seal.certificate)
    name = owner(certificate)
    if certificate.not_valid_after_utc < datetime.now(UTC):
        return render(words("seal.expired", name=name))
    if not settings.SEAL_STAMP:
        return _signed(render(words("seal.unstamped", name=name)), seal, None)
    from pyhanko.sign.timestamps import TimestampRequestError  # noqa: PLC0415 - heavy

    try:
        return _signed(render(words("seal.stamped", name=name)), seal, _stamper())
    except (TimestampRequestError, OSError, ValueError, KeyError) as error:
        # The time authority did not answer, or not with a stamp. What is wrong with the seal itself fails again below.
        _LOG.warning("a file of the agreement has no time stamp: %s: %s", type(error).__name__, error)
        return _signed(render(words("seal.no_stamp", name=name)), seal, None)


def owner(certificate: x509.Certificate) -> str:
    """Return the name in a certificate."""
    for part in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := certificate.subject.get_attributes_for_oid(part):
            return clean(str(found[0].value))
    return clean(certificate.subject.rfc4514_string())


def _stamper() -> Any:  # noqa: ANN401 - pyHanko's
    from pyhanko.sign.timestamps import HTTPTimeStamper  # noqa: PLC0415 - heavy

    return HTTPTimeStamper(settings.SEAL_STAMP, timeout=_PATIENCE_S)


def _signed(pdf: bytes, seal: Any, stamper: Any) -> bytes:  # noqa: ANN401 - the settings', and as above
    """Return a file with the seal added; nothing may be added after it."""
    from asn1crypto import keys  # noqa: PLC0415 - as above
    from asn1crypto import x509 as asn1_x509  # noqa: PLC0415 - as above
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: PLC0415 - as above
    from pyhanko.sign import fields, signers  # noqa: PLC0415 - as above
    from pyhanko_certvalidator.registry import SimpleCertificateStore  # noqa: PLC0415 - as above

    store: Any = cast("Any", SimpleCertificateStore)()
    for other in seal.others:
        store.register(asn1_x509.Certificate.load(other))
    signer = signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(seal.certificate),
        signing_key=keys.PrivateKeyInfo.load(seal.key),
        cert_registry=store,
    )
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD, md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES, certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
    )  # fmt: skip
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    signing = signers.PdfSigner(metadata, signer=signer, timestamper=stamper)
    out: bytes = signing.sign_pdf(writer).getvalue()
    return out
