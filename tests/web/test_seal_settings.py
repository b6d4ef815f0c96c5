"""What the settings of seals take, and that each mistake is one sentence with the next step."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from comity.web import environment
from tests.builders.signed_pdf import authority, certificate, key_pem, pem, pkcs12_file


def test_a_certificate_with_its_key_comes_from_either_kind_of_file(tmp_path):
    made, key = certificate(name="Seal")
    in_pem = tmp_path / "seal.pem"
    in_pem.write_bytes(key_pem(key, b"word") + pem(authority()[0]) + pem(made))
    in_p12 = pkcs12_file(tmp_path / "seal.p12", b"word", name="Seal")
    read = [environment.seal_file("COMITY_SEAL", str(file), "word") for file in (in_pem, in_p12)]
    assert read[0] == read[1]
    assert read[0].certificate != read[0].others[0]
    in_pem.write_bytes(key_pem(key) + pem(made))
    assert environment.seal_file("COMITY_SEAL", str(in_pem), "").others == ()
    assert environment.seal_file("COMITY_SEAL", "", "word") is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"nothing", "is no PKCS#12 or PEM file"),
        (key_pem(certificate(name="Seal")[1], b"word"), "COMITY_SEAL_PASSPHRASE does not open"),
        (key_pem(certificate(name="Seal")[1]) + pem(authority()[0]), "no certificate of its private key"),
    ],
)
def test_a_file_that_seals_nothing_is_told_at_the_start(tmp_path, content, said):
    file = tmp_path / "seal.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ImproperlyConfigured) as error:
        environment.seal_file("COMITY_SEAL", str(file), "")
    assert said in str(error.value)
    assert str(error.value).startswith("COMITY_SEAL names ")


def test_authorities_and_the_time_authority(tmp_path):
    roots = tmp_path / "roots.pem"
    roots.write_bytes(pem(authority()[0]))
    assert environment.certificates_file("COMITY_TRUSTED", str(roots)) == roots
    assert environment.certificates_file("COMITY_TRUSTED", "") is None
    roots.write_bytes(b"nothing")
    with pytest.raises(ImproperlyConfigured, match="holds no certificates in PEM"):
        environment.certificates_file("COMITY_TRUSTED", str(roots))
    assert environment.web_address("COMITY_SEAL_STAMP", "https://time.example.org/tsr").endswith("/tsr")
    with pytest.raises(ImproperlyConfigured, match="begin with https"):
        environment.web_address("COMITY_SEAL_STAMP", "time.example.org")
