"""Two organisations with a sign-in of their own: one speaks OpenID Connect, one SAML."""

import json
import subprocess
import sys
from contextlib import contextmanager

from tests.journeys.opening import answers, free
from tests.journeys.saml import Firm

PEOPLE = (  # of the organisation, as its own sign-in tells of them
    {"sub": "rosa", "email": "Rosa@helpline.example", "name": "Rosa Kern"},
    {"sub": "elsewhere", "email": "marta@demo.example", "name": "Not Marta"},
    {"sub": "unasked", "email": "unasked@helpline.example", "name": "Una Sked"},
)
SIGN_IN = """
[[organisation]]
id = "helpline"
name = "Helpline"
domains = ["helpline.example"]
only = true
server = "http://localhost:{openid}"
client_id = "comity"
secret = "of the tests"

[[organisation]]
id = "northwind"
name = "Northwind Energy"
domains = ["northwind.example"]
entity_id = "{entity}"
sso_url = "http://localhost:{saml}/sso"
certificate = "{certificate}"
"""


@contextmanager
def firms():
    """Both open: what `sign-in.toml` says of them, and the one that speaks SAML."""
    firm = Firm()
    with openid() as port, firm.started():
        told = SIGN_IN.format(openid=port, entity=firm.entity, saml=firm.port, certificate=firm.certificate)
        yield told, firm


@contextmanager
def openid():
    """An OpenID provider, in a process of its own: what it warns of is not ours."""
    port = free()
    claims = [json.dumps({"email_verified": True} | one) for one in PEOPLE]
    told = [part for one in claims for part in ("--user-claims", one)]
    command = [sys.executable, "-m", "oidc_provider_mock", "--host", "localhost", "--port", str(port), *told]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    answers(f"http://localhost:{port}/", process)
    yield port
    process.terminate()
    process.wait(10)
