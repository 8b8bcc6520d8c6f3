"""What people type into the reporter's pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from submissions import case_numbers, messages
from takeitdown.errors import Refused


class NeverShownAgain(forms.TextInput):
    """Readable while it is typed, as on paper, and gone from the page that answers."""

    def format_value(self, value: Any) -> None:
        return None


class UnlockForm(forms.Form):
    """Case number and PIN, forgiving about how they are written.

    The PIN is never written back into the page; the number is, so that a slip need not be typed anew.
    """

    number = forms.CharField(
        label=_("Case number"),
        max_length=case_numbers.MOST_TYPED,
        strip=False,
        error_messages={
            "required": _("Please type your case number."),
            "max_length": _(case_numbers.MistypedNumber.default_detail),
        },
    )
    pin = forms.CharField(
        label=_("PIN"),
        max_length=case_numbers.MOST_TYPED,
        strip=False,
        widget=NeverShownAgain,
        error_messages={
            "required": _("Please type your PIN."),
            "max_length": _(case_numbers.MistypedPin.default_detail),
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # No autocomplete: the browser must not offer the code to the next person at this device.
        common = {"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "dir": "ltr"}
        self.fields["number"].widget.attrs.update(common, placeholder="XXXX-XXXX-XXXX-X")
        self.fields["pin"].widget.attrs.update(common, inputmode="numeric")

    def clean_number(self) -> str:
        return _read(case_numbers.read_number, self.cleaned_data["number"])

    def clean_pin(self) -> str:
        return _read(case_numbers.read_pin, self.cleaned_data["pin"])


class MessageForm(forms.Form):
    """A message to staff."""

    text = forms.CharField(
        label=_("Your message"),
        help_text=_("No names, no phone numbers, no links, no e-mail addresses."),
        max_length=messages.MOST_LETTERS,
        error_messages={
            "required": _("Please write your message first."),
            "max_length": _("This is too long. Please say it in %(limit_value)d letters or fewer."),
        },
        widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off", "dir": "auto"}),
    )


def _read(read: Callable[[object], str], typed: str) -> str:
    try:
        return read(typed)
    except Refused as refusal:
        raise forms.ValidationError(gettext(refusal.detail)) from None
