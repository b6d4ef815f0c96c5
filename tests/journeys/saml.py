"""An organisation whose sign-in speaks SAML: answers what it is asked, with an assertion that it signs."""

import base64
import threading
import zlib
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

PROTOCOL, ASSERTION = "urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:2.0:assertion"
MAIL = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"


class Firm:
    """Signs in whoever `person` names; `honest` or with a key that nobody knows."""

    entity = "https://login.northwind.example/saml"

    def __init__(self):
        self.person, self.honest = "", True
        self.key, self.certificate = made_key()
        self.other, _ = made_key()

    @contextmanager
    def started(self):
        firm = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                asked = parse_qs(urlsplit(self.path).query)
                page = firm.page(asked["SAMLRequest"][0], asked.get("RelayState", [""])[0]).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_):
                """Quiet."""

        server = ThreadingHTTPServer(("localhost", 0), Answer)
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()
        server.server_close()

    def page(self, packed, relay):
        asked = etree.fromstring(zlib.decompress(base64.b64decode(packed), -15))
        answer = self.answer(asked.get("ID"), asked.get("AssertionConsumerServiceURL"), asked[0].text)
        told = base64.b64encode(answer.encode()).decode()
        there = asked.get("AssertionConsumerServiceURL")
        return (
            f"<!doctype html><title>Northwind</title><form method=post action='{there}'>"
            f"<input type=hidden name=SAMLResponse value='{told}'>"
            f"<input type=hidden name=RelayState value='{escape(relay)}'><button>Go on</button></form>"
        )

    def answer(self, asked, there, audience):
        now, soon = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (datetime.now(UTC), datetime.now(UTC) + timedelta(minutes=5)))
        assertion = f"""<saml:Assertion xmlns:saml="{ASSERTION}" ID="_{uuid4().hex}" Version="2.0" IssueInstant="{now}">
<saml:Issuer>{self.entity}</saml:Issuer><saml:Subject>
<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{self.person}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
<saml:SubjectConfirmationData NotOnOrAfter="{soon}" Recipient="{there}" InResponseTo="{asked}"/>
</saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{now}" NotOnOrAfter="{soon}"><saml:AudienceRestriction>
<saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}" SessionIndex="_1"><saml:AuthnContext><saml:AuthnContextClassRef>
urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
<saml:AttributeStatement><saml:Attribute Name="{MAIL}"><saml:AttributeValue>{self.person}</saml:AttributeValue>
</saml:Attribute></saml:AttributeStatement></saml:Assertion>"""
        signed = Utils.add_sign(assertion, self.key if self.honest else self.other, Utils.format_cert(self.certificate))
        text = (signed if isinstance(signed, str) else signed.decode()).partition("?>")
        body = text[2] if text[1] else text[0]
        return f"""<samlp:Response xmlns:samlp="{PROTOCOL}" xmlns:saml="{ASSERTION}" ID="_{uuid4().hex}" Version="2.0"
IssueInstant="{now}" Destination="{there}" InResponseTo="{asked}"><saml:Issuer>{self.entity}</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
{body}</samlp:Response>"""


def made_key():
    """A key and its own certificate, both as text."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "login.northwind.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    public = base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()
    return private, public
