"""Nothing that names a person, a case or a fingerprint stays in a log line."""

import logging
import secrets

import pytest

from takeitdown.logs import BLOT, BlottingFormatter, blot


@pytest.mark.parametrize(
    "secret",
    [
        "tid_live_EJwOq6Cud5Dr_QS0XFysBhQS0ILSXfYizvUdrRjlkS5",
        "7K3M-9QXR-2VNB-H",
        "7K3M9QXR2VNBH",
        "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22",
        "d41d8cd98f00b204e9800998ecf8427e",
        "8000000000000000",
        "12345678",
        "203.0.113.77",
        "2001:db8:85a3:8d3:1319:8a2e:370:7348",
        "someone.young+x@mail.example.org",
        "aB3" * 14 + "x",
        "-" + "aB3" * 14,
        "aB3" * 14 + "-",
        "_" + "aB3" * 13 + "--_",
        "0b7f6f0e-3b1c-4a57-9d2e-5a1de0c4f7aa",
    ],
)
def test_blot_covers(secret):
    plain = (f"refused {secret}", f"'{secret}'", f"key={secret},", f"({secret})")
    for line in (*plain, repr(f"a\n{secret}\n"), f"-{secret}-"):
        assert secret not in blot(line)
        assert BLOT in blot(line)


def test_blot_covers_whatever_key_is_drawn():
    for _ in range(2000):
        key, token = secrets.token_urlsafe(32), secrets.token_urlsafe(50)
        for line in (f"refused {key!r}", f"key={token}", f"b'\\r\\n{key}'"):
            assert blot(line).count(BLOT) == 1
            assert key not in blot(line)
            assert token not in blot(line)


def test_ordinary_lines_stay_readable():
    line = "The worker took 1523 ms for batch 4711 of 500 at 18:04; retry in 30 s"

    assert blot(line) == line


def test_tracebacks_are_blotted_too():
    try:
        raise ValueError("PIN 12345678 of 7K3M-9QXR-2VNB-H")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), (ValueError, error, error.__traceback__))

    line = BlottingFormatter("%(asctime)s %(message)s").format(record)

    assert "12345678" not in line
    assert "7K3M" not in line
    assert "ValueError" in line
