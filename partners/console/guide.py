"""The quick start. Every example is a text that runs as it stands: tests take them from here and run them."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from partners.console.doors import door
from partners.console.overview import verifier_keys
from partners.console.page import page
from partners.models import Membership, PartnerState, Role


@dataclass(frozen=True)
class Example:
    """One thing to copy. `text` is shell for `sh`, or Python 3.11; `name` is what tests call it by."""

    name: str
    title: str | Promise
    about: str | Promise
    text: str


def examples(*, base: str, hash_list: str, verifier: str) -> list[Example]:
    """The quick start, in its order, for one portal and list. They expect TAKEITDOWN_KEY in the environment."""
    curl = [
        Example(
            "head",
            _("Ask for the newest signed head"),
            _("The quickest way to see that your key works."),
            f'curl -sS "{base}/api/v1/hash-list/head/" \\\n  -H "Authorization: Bearer $TAKEITDOWN_KEY"',
        ),
        Example(
            "changes",
            _("Take the first page of changes"),
            _("Go on with epoch and seq of its head until head equals latest. Store rows and position together."),
            f'curl -sS "{base}/api/v1/hash-list/changes/" \\\n  -H "Authorization: Bearer $TAKEITDOWN_KEY"',
        ),
    ]
    client = [
        Example(
            "client",
            _("Run the reference client"),
            _("It checks signatures, chain and set hash, resumes downloads, and tells us that your copy is equal."),
            f"takeitdown-client init --url {base} --list {hash_list} \\\n"
            f"  --verifier-key '{verifier}'\n"
            "takeitdown-client sync\n"
            "takeitdown-client verify\n"
            "takeitdown-client status",
        ),
        Example(
            "python",
            _("Match in your own Python program"),
            _("The matcher loads the copy once, and again when it has moved. A match means review, never a penalty."),
            PYTHON,
        ),
    ]
    hooks = [
        Example(
            "listen",
            _("Hear of changes within seconds, with the client"),
            _("Behind your own TLS proxy: answers the challenge, checks signatures, pulls, and polls as well."),
            "takeitdown-client listen --port 9000 --secrets webhook-secrets.txt",
        ),
        Example(
            "receiver",
            _("Or in your own Python program"),
            _("With any library for Standard Webhooks; this one is standardwebhooks from PyPI."),
            RECEIVER,
        ),
    ]
    return [*curl, *client, *hooks]


PYTHON = """from pathlib import Path

from takeitdown_client.match import Matcher
from takeitdown_client.store import Store

HASH_OF_AN_UPLOAD = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"

with Store(Path.home() / ".takeitdown-client") as store:
    matcher = Matcher(store)
    matches = matcher.match("pdq", HASH_OF_AN_UPLOAD)
    for match in matches:
        print("for review:", match.entry, match.trust, match.distance)
    if not matches:
        print("no match")
"""

RECEIVER = """import json
import os
import subprocess

from standardwebhooks import Webhook

webhook = Webhook(os.environ["TAKEITDOWN_WEBHOOK_SECRET"])


def receive(body, headers):
    \"\"\"Call it from your framework's view with the raw body; answer with the status and body it returns.\"\"\"
    message = webhook.verify(body, headers)  # raises where it is not genuine: answer 400
    if message["type"] == "webhook.challenge":
        return 200, json.dumps({"challenge": message["challenge"]})
    if message["type"] in ("list.head", "list.delta"):
        subprocess.Popen(["takeitdown-client", "sync", "--now"])  # answer at once, pull meanwhile
    return 204, ""
"""


@door(GET=Role.READ_ONLY)
def guide(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET /console/guide/"""
    partner = member.partner
    pinned = verifier_keys()
    hash_list = "production" if partner.state == PartnerState.PRODUCTION else f"sandbox-{partner.code}"
    context = {
        "base": settings.PUBLIC_URL,
        "hash_list": hash_list,
        "examples": examples(base=settings.PUBLIC_URL, hash_list=hash_list, verifier=pinned[0] if pinned else ""),
        "min_wait_seconds": settings.MIN_WAIT_SECONDS,
    }
    return page(request, member, "guide.html", context)
