"""What became of a delivery, in words."""

from django import template

from partners.console import webhook_pages

register = template.Library()
register.filter("failure_says", webhook_pages.failure_says)
