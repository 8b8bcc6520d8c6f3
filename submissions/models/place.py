"""Where else to get help: rows that staff keep true."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Place(models.Model):
    """A page elsewhere that helps, and when a person last looked whether it still does; never, without a date."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    url = models.URLField(_("web address"), max_length=300)
    note = models.CharField(_("what it does, in a short sentence"), max_length=200, blank=True)
    is_shown = models.BooleanField(_("shown"), default=True)
    last_checked_on = models.DateField(_("last checked on"), null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Helpline(Place):
    """People to talk to. No country means everywhere."""

    country = models.CharField(_("country (two letters)"), max_length=2, blank=True)
    country_name = models.CharField(_("country"), max_length=60, blank=True)
    languages = models.CharField(_("languages (codes, with commas)"), max_length=60, blank=True)
    phone = models.CharField(_("telephone"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("helpline")
        verbose_name_plural = _("helplines")
        ordering = ("country_name", "name")


class RemovalPage(Place):
    """A platform's own form for asking that a picture be removed."""

    class Meta:
        verbose_name = _("platform's removal page")
        verbose_name_plural = _("platforms' removal pages")
        ordering = ("name",)
