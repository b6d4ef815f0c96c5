"""Bounces: which recipients a delivery status notification reports as failed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.web.bounces import NoBounceError, failed_addresses

# The example of RFC 3464, appendix E.1, shortened.
BOUNCE = b"""From: Mail Delivery Subsystem <MAILER-DAEMON@cs.utk.edu>
To: <owner-info-mime@cs.utk.edu>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="x"
Subject: Returned mail: Cannot send message for 5 days

--x

The original message was received at Sat, 2 Jul 1994 17:10:28 -0400

--x
content-type: message/delivery-status

Reporting-MTA: dns; cs.utk.edu

Original-Recipient: rfc822;louisl@larry.slip.umd.edu
Final-Recipient: rfc822;Louisl@Larry.slip.umd.edu
Action: ACTION
Status: 4.0.0
Diagnostic-Code: smtp; 426 connection timed out

Final-Recipient: rfc822; <ana@example.org>
Action: delivered
Status: 2.0.0

--x
content-type: message/rfc822

Subject: 2026-05: treated as confirmed

--x--
"""


def test_failed_addresses_names_failed_and_no_delivered_recipients():
    assert failed_addresses(BOUNCE.replace(b"ACTION", b"failed")) == ["louisl@larry.slip.umd.edu"]
    assert failed_addresses(BOUNCE.replace(b"ACTION", b" FAILED ").replace(b"\n", b"\r\n")) == [
        "louisl@larry.slip.umd.edu"
    ]


@pytest.mark.parametrize("action", [b"delayed", b"relayed", b"expanded", b""])
def test_failed_addresses_refuses_reports_without_a_failure(action):
    with pytest.raises(NoBounceError, match="no failed delivery"):
        failed_addresses(BOUNCE.replace(b"ACTION", action))


@given(st.binary(max_size=400))
def test_failed_addresses_refuses_any_other_bytes(content):
    for mail in (content, b"Content-Type: multipart/report; boundary=x\n\n--x\n" + content):
        with pytest.raises(NoBounceError):
            failed_addresses(mail)
