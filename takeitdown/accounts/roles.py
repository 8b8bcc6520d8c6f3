"""The four roles of staff and what each may do: groups of these names, written anew after every migration.

They are code, not data: a release that brings a page brings who may see it, and nobody widens a role by hand. After
`migrate` and not in a migration, because Django makes permissions only then. Accounts themselves are for superusers.
"""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.models import Group, Permission
from django.db import connections
from django.db.models.signals import post_migrate

LOOK, DECIDE, EDIT = ("view",), ("view", "change"), ("view", "add", "change")
REVIEWER, PARTNER_MANAGER, KEY_CUSTODIAN, AUDITOR = "reviewer", "partner manager", "key custodian", "auditor"

ROLES: dict[str, dict[str, tuple[str, ...]]] = {
    REVIEWER: {
        "approvals.approvalrequest": DECIDE,
        "matching.additionsinhour": LOOK,
        "matching.benignhash": ("view", "add", "delete"),
        "matching.entryreview": DECIDE,
        "matching.hashlist": DECIDE,
        "matching.hashlistentry": DECIDE,
        "matching.listhead": LOOK,
        "matching.listreader": LOOK,
        "partners.feedback": LOOK,
        "partners.matchreport": LOOK,
        "partners.partner": LOOK,
        "submissions.case": LOOK,
        "submissions.submission": LOOK,
        "submissions.helpline": EDIT,
        "submissions.message": ("view", "add"),
        "submissions.removalpage": EDIT,
    },
    PARTNER_MANAGER: {
        "approvals.approvalrequest": DECIDE,
        "matching.hashlist": LOOK,
        "matching.listreader": DECIDE,
        "partners.apikey": LOOK,
        "partners.application": DECIDE,
        "partners.delivery": LOOK,
        "partners.feedback": LOOK,
        "partners.invitation": LOOK,
        "partners.matchreport": LOOK,
        "partners.membership": LOOK,
        "partners.pagesread": LOOK,
        "partners.partner": DECIDE,
        "partners.selftest": LOOK,
        "partners.snapshotdownload": LOOK,
        "partners.webhookendpoint": DECIDE,
    },
    KEY_CUSTODIAN: {
        "approvals.approvalrequest": LOOK,
        "matching.hashlist": LOOK,
        "matching.listhead": LOOK,
        "matching.listreader": LOOK,
        "matching.signingkey": LOOK,
        "partners.apikey": EDIT,
        "partners.pagesread": LOOK,
        "partners.partner": LOOK,
        "partners.snapshotdownload": LOOK,
        "partners.webhookendpoint": LOOK,
    },
    # Everything that staff may see, except what reporters write.
    AUDITOR: {
        "accounts.account": LOOK,
        "approvals.approvalrequest": LOOK,
        "audit.auditevent": LOOK,
        "auth.group": LOOK,
        "matching.additionsinhour": LOOK,
        "matching.benignhash": LOOK,
        "matching.entryreview": LOOK,
        "matching.hashlist": LOOK,
        "matching.hashlistentry": LOOK,
        "matching.listhead": LOOK,
        "matching.listreader": LOOK,
        "matching.signingkey": LOOK,
        "partners.apikey": LOOK,
        "partners.application": LOOK,
        "partners.delivery": LOOK,
        "partners.feedback": LOOK,
        "partners.invitation": LOOK,
        "partners.matchreport": LOOK,
        "partners.membership": LOOK,
        "partners.pagesread": LOOK,
        "partners.partner": LOOK,
        "partners.selftest": LOOK,
        "partners.snapshotdownload": LOOK,
        "partners.webhookendpoint": LOOK,
        "submissions.case": LOOK,
        "submissions.helpline": LOOK,
        "submissions.removalpage": LOOK,
        "submissions.submission": LOOK,
    },
}


def write_down(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Give each role exactly what it may do, once the last application has its permissions.

    Four queries where nothing changed. Does nothing while a migration stops short of the tables. Repeating is harmless.
    """
    last = [config for config in apps.get_app_configs() if config.models_module][-1]
    if app_config is not last or Group._meta.db_table not in connections[using].introspection.table_names():
        return
    Group.objects.using(using).bulk_create([Group(name=role) for role in ROLES], ignore_conflicts=True)
    groups = {group.name: group.pk for group in Group.objects.using(using).filter(name__in=ROLES)}
    wanted = {
        (groups[role], permission)
        for permission, label in _permissions(using)
        for role, models in ROLES.items()
        if any(label == f"{model}:{action}" for model, actions in models.items() for action in actions)
    }
    links = Group.permissions.through.objects.using(using)
    held = {(row.group_id, row.permission_id): row.pk for row in links.filter(group__in=groups.values())}
    links.filter(pk__in=[pk for pair, pk in held.items() if pair not in wanted]).delete()
    links.bulk_create([links.model(group_id=one, permission_id=two) for one, two in wanted - held.keys()])


def _permissions(using: str) -> list[tuple[int, str]]:
    """Id and `app.model:action` of each permission that Django makes for a model."""
    rows = Permission.objects.using(using).values_list(
        "pk", "codename", "content_type__app_label", "content_type__model"
    )
    return [(pk, f"{app}.{model}:{codename.removesuffix('_' + model)}") for pk, codename, app, model in rows]


def write_down_after_migrations() -> None:
    """Called once, when the application starts; after Django's own receiver, which makes the permissions."""
    post_migrate.connect(write_down, dispatch_uid="roles of staff")
