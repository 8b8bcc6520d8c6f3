"""What a platform's people type before they have an account."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

LINES = {"\n", "\r", "\t"}


def plain_words(text: str) -> None:
    """No control or direction characters: they would forge what staff read. Raises ValidationError."""
    if any(unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co"} and sign not in LINES for sign in text):
        raise ValidationError(_("Please use letters, digits and punctuation only."))


class ApplicationForm(forms.Form):
    """The application, in the order in which people know the answers."""

    organisation = forms.CharField(
        label=_("Organisation"),
        help_text=_("The legal name of the company or association that runs the service."),
        max_length=80,
        validators=[plain_words],
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    service = forms.CharField(
        label=_("Service"),
        help_text=_("The name people know. It is shown among the platforms that take part."),
        max_length=80,
        validators=[plain_words],
    )
    website = forms.URLField(
        label=_("Website"),
        max_length=200,
        assume_scheme="https",
        validators=[URLValidator(schemes=["https", "http"])],
        widget=forms.URLInput(attrs={"autocomplete": "url", "placeholder": "https://"}),
    )
    contact_email = forms.EmailField(
        label=_("Your e-mail address"),
        help_text=_("At your organisation. We send a link to it; it becomes the first owner of your account."),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    security_email = forms.EmailField(
        label=_("E-mail address for security matters"),
        help_text=_("Read by somebody at any hour: for a leaked key, or a copy that went wrong."),
        max_length=254,
    )
    on_a_match = forms.CharField(
        label=_("What you will do with a match"),
        help_text=_("Who reviews it, how soon, what happens to the content, and how somebody can object."),
        max_length=2000,
        validators=[plain_words],
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    terms = forms.BooleanField(
        label=_("I accept the terms on behalf of my organisation."),
        error_messages={"required": _("Please read the terms and tick this box if you accept them.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if name != "terms":
                field.error_messages["required"] = _("Please fill this in.")

    def stated(self) -> dict[str, str]:
        """What `applications.apply` takes."""
        return {name: value for name, value in self.cleaned_data.items() if name != "terms"}


class WelcomeForm(forms.Form):
    """The password of a new account, typed twice."""

    password = forms.CharField(
        label=_("Password"),
        help_text=_("At least 12 characters. A few words in a row are easy to remember."),
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("The same password again"),
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or {}
        if "password" in typed and "again" in typed and typed["password"] != typed["again"]:
            self.add_error("again", _("The two passwords differ. Type the same one twice."))
        return typed
