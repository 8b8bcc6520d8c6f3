"""Rows for a portal that is tried out: places to get help. `last_checked_on` stays empty until staff looked at them.

The sentences are marked for translation here and translated where they are shown; staff's own show as they are written.
"""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from submissions.models import Helpline, RemovalPage

# name, country, country's name, languages, telephone, address, what it does
HELPLINES = [
    ("Child Helpline International", "", "", "en", "", "https://childhelplineinternational.org/helplines/",
     _("Finds the children's helpline of your country.")),
    ("Find A Helpline", "", "", "en,es", "", "https://findahelpline.com/",
     _("Finds somebody to talk to in your country, by phone, text or chat.")),
    ("CyberTipline (NCMEC)", "US", _("United States"), "en,es", "1-800-843-5678", "https://report.cybertip.org/",
     _("Tell them if somebody threatens you, asks for pictures or shares them.")),
    ("988 Suicide & Crisis Lifeline", "US", _("United States"), "en,es", "988", "https://988lifeline.org/",
     _("If you think of hurting yourself. Call or text, day and night.")),
    ("Childhelp", "US", _("United States"), "en,es", "1-800-422-4453", "https://www.childhelphotline.org/",
     _("If somebody hurts you. Call, text or chat, day and night.")),
    ("Crisis Text Line", "US", _("United States"), "en,es", _("Text HOME to 741741"), "https://www.crisistextline.org/",
     _("Somebody to text with, day and night.")),
    ("Childline", "GB", _("United Kingdom"), "en", "0800 1111", "https://www.childline.org.uk/",
     _("Talk about anything, free, up to 19. Report Remove is there, too.")),
    ("Samaritans", "GB", _("United Kingdom"), "en", "116 123", "https://www.samaritans.org/",
     _("If it is too much right now. Day and night, free.")),
    ("Kids Help Phone", "CA", _("Canada"), "en,fr", "1-800-668-6868", "https://kidshelpphone.ca/",
     _("Call, text or chat, day and night, free.")),
    ("NeedHelpNow.ca", "CA", _("Canada"), "en,fr", "", "https://needhelpnow.ca/",
     _("Steps to take when a sexual picture of you is shared.")),
    ("Kids Helpline", "AU", _("Australia"), "en", "1800 55 1800", "https://kidshelpline.com.au/",
     _("For anyone from 5 to 25, day and night, free.")),
    ("eSafety Commissioner", "AU", _("Australia"), "en", "", "https://www.esafety.gov.au/report",
     _("Can have pictures taken down that were shared without your consent.")),
    ("Youthline", "NZ", _("New Zealand"), "en", "0800 376 633", "https://www.youthline.co.nz/",
     _("Call, text or chat with somebody who listens.")),
    ("Childline (ISPCC)", "IE", _("Ireland"), "en", "1800 66 66 66", "https://www.childline.ie/",
     _("For anyone up to 18, day and night, free.")),
    ("ANAR", "ES", _("Spain"), "es", "116 111", "https://www.anar.org/",
     _("Somebody to talk to for children and teenagers, day and night, free.")),
    ("Tu Ayuda en Ciberseguridad (INCIBE)", "ES", _("Spain"), "es", "017", "https://www.incibe.es/",
     _("Advice when something goes wrong online, free.")),
    ("خط نجدة الطفل", "EG", _("Egypt"), "ar", "16000", "https://nccm.gov.eg/",
     _("For children in need of help, day and night.")),
    ("خط مساندة الطفل", "SA", _("Saudi Arabia"), "ar", "116111", "https://nfsp.org.sa/",
     _("For anyone up to 18, free.")),
    ("Nummer gegen Kummer", "DE", _("Germany"), "de", "116 111", "https://www.nummergegenkummer.de/",
     _("Somebody who listens, free.")),
]  # fmt: skip

# name, address, what it does
REMOVAL_PAGES = [
    ("Instagram", "https://help.instagram.com/", _("The help centre leads to the form for nude pictures.")),
    ("Facebook", "https://www.facebook.com/help/", _("The help centre leads to the form for nude pictures.")),
    ("TikTok", "https://www.tiktok.com/legal/report/feedback", _("A form for reporting, also without an account.")),
    ("Snapchat", "https://help.snapchat.com/", _("Report a Snap, a story or an account.")),
    ("YouTube", "https://support.google.com/youtube/answer/2802027", _("How to report a video.")),
    ("X", "https://help.x.com/forms", _("Forms for reporting, also without an account.")),
    ("Discord", "https://support.discord.com/hc/requests/new", _("A form for reporting messages and servers.")),
    ("Reddit", "https://www.reddit.com/report", _("A form for reporting a post.")),
    ("Google Search", "https://support.google.com/websearch/answer/6302812",
     _("Asks that pages with such a picture no longer appear in search results.")),
    ("Bing", "https://www.microsoft.com/concern/revengeporn",
     _("Asks Microsoft to remove such a picture from Bing and its services.")),
]  # fmt: skip


def seed() -> None:
    """Make the rows that are missing. What staff changed since stays as it is."""
    for name, country, country_name, languages, phone, url, note in HELPLINES:
        facts = {"country": country, "country_name": country_name, "languages": languages, "phone": phone}
        Helpline.objects.get_or_create(name=name, defaults={**facts, "url": url, "note": note})
    for name, url, note in REMOVAL_PAGES:
        RemovalPage.objects.get_or_create(name=name, defaults={"url": url, "note": note})
