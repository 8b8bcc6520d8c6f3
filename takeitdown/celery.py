"""The Celery application, its queues and its timetable.

Rows in the database are the queue of record; a task carries ids and nothing else. Every sweep below finds by itself
what a lost message left undone.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from celery import Celery
from celery.platforms import SecurityWarning
from celery.schedules import crontab
from celery.signals import beat_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "takeitdown.settings")
# Messages are JSON with ids in them; nothing in them is executed, also where somebody runs the worker as root.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("takeitdown")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.task_default_queue = "default"
app.conf.task_routes = {
    "partners.deliver_*": {"queue": "webhooks"},  # a slow platform delays nothing else
    "partners.follow_heads": {"queue": "webhooks"},  # and a long snapshot delays no webhook
    "matching.hash_*": {"queue": "media"},
}
app.conf.beat_schedule = {
    "watch heads": {"task": "matching.watch_heads", "schedule": 60.0},
    "refresh snapshots": {"task": "matching.refresh_snapshots", "schedule": 60.0},
    "watch floods": {"task": "matching.watch_floods", "schedule": 60.0},
    "make test pictures": {"task": "partners.make_test_pictures", "schedule": 15.0, "options": {"expires": 15}},
    "close self-tests": {"task": "partners.close_self_tests", "schedule": 60.0},
    "recount votes": {"task": "partners.recount_votes", "schedule": 15.0},
    # Expires, so that an outage of the worker leaves no heap to work through; not sooner, for clocks differ.
    "follow heads": {"task": "partners.follow_heads", "schedule": 1.0, "options": {"expires": 15}},
    "forget deliveries": {"task": "partners.forget_deliveries", "schedule": crontab(hour="3", minute="41")},
    "forget applications": {"task": "partners.forget_applications", "schedule": crontab(hour="3", minute="47")},
    "forget receipts": {"task": "submissions.forget_receipts", "schedule": crontab(minute="7")},
    "forget guesses": {"task": "submissions.forget_guesses", "schedule": crontab(minute="37")},
    "delete messages": {"task": "submissions.delete_messages", "schedule": crontab(hour="3", minute="23")},
    "delete withdrawn cases": {
        "task": "submissions.delete_withdrawn_cases",
        "schedule": crontab(hour="3", minute="11"),
    },
}


@worker_init.connect  # type: ignore[untyped-decorator]
@beat_init.connect  # type: ignore[untyped-decorator]
def refuse_unsafe(**kwargs: Any) -> None:
    """Worker and beat, too, end at once when a setting is unsafe."""
    from takeitdown import checks

    checks.refuse_unsafe()
