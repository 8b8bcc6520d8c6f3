"""How gunicorn serves the portal: it keeps no address, no path and no name of itself. Used in production as well."""

from __future__ import annotations

import os
import re
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http.wsgi import Response

from takeitdown.logs import BlottingFormatter

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
worker_class = "gthread"
preload_app = True  # the checks run once, and an unsafe portal never opens its port
timeout = 60
graceful_timeout = 5
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
limit_request_line = 4094
accesslog = None
loglevel = os.environ.get("WEB_LOG_LEVEL", "warning")
forwarded_allow_ips = ""  # the first middleware reads X-Forwarded-For itself (TRUSTED_PROXIES)
proc_name = "takeitdown-web"


class ForgettingLogger(Logger):  # type: ignore[misc]
    """gunicorn's error log writes the address of whoever sent a malformed request; this one doesn't."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(BlottingFormatter("%(asctime)s %(levelname)s web: %(message)s"))

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        super().warning(re.sub(r"from ip=\S+: ", "", str(msg)), *args, **kwargs)


logger_class = ForgettingLogger

_default_headers = Response.default_headers


def _without_server(response: Response) -> list[str]:
    return [header for header in _default_headers(response) if not header.startswith("Server:")]


Response.default_headers = _without_server
