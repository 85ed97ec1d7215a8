#!/usr/bin/env python3
"""A self-hosted server that is not ours: Bugsink on loopback, with SQLite, in one directory.

    python3 -m venv VENV && VENV/bin/pip install -r .ci/bugsink/requirements.txt
    VENV/bin/python .ci/bugsink/bugsink.py start DIRECTORY [PORT]   serves in the background, prints the DSN
    VENV/bin/python .ci/bugsink/bugsink.py events DIRECTORY         prints the stored events, one JSON object a line
    VENV/bin/python .ci/bugsink/bugsink.py stop DIRECTORY           ends the server

An event that `events` prints was parsed, checked against the event schema, digested and stored by Bugsink, all before
the request was answered. One that the schema refuses is answered with 200 too, but it is missing here, and the reason is
in DIRECTORY/server.log. The server talks to nobody: phoning home is off, mail goes nowhere.
"""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent

SETTINGS = """
from bugsink.settings.default import *  # noqa

SECRET_KEY = "only-for-tests-on-loopback-0123456789-0123456789-0123456789"
ALLOWED_HOSTS = ["127.0.0.1"]
DATABASES["default"]["NAME"] = {directory!r} + "/db.sqlite3"
DATABASES["snappea"]["NAME"] = {directory!r} + "/snappea.sqlite3"
SNAPPEA = {{"TASK_ALWAYS_EAGER": True}}
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
BUGSINK = {{
    "BASE_URL": "http://127.0.0.1:{port}",
    "PHONEHOME": False,
    "SINGLE_USER": True,
    "SINGLE_TEAM": True,
    "VALIDATE_ON_DIGEST": "strict",
}}
"""

CREATE_PROJECT = """
from projects.models import Project
print(Project.objects.create(name="test", slug="test").dsn)
"""


def start(directory, port=8765):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "bugsink_conf.py").write_text(SETTINGS.format(directory=str(directory), port=port))
    manage(directory, "migrate", "--verbosity=0")
    manage(directory, "migrate", "snappea", "--database=snappea", "--verbosity=0")
    dsn = manage(directory, "shell", "-c", CREATE_PROJECT).split()[-1]
    with open(directory / "server.log", "ab") as log:
        server = subprocess.Popen(
            [BIN / "gunicorn", f"--bind=127.0.0.1:{port}", "--workers=1", "--threads=4", "--no-control-socket",
             "bugsink.wsgi"],
            cwd=directory,
            env=environment(directory),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (directory / "server.pid").write_text(str(server.pid))
    wait_for(server, port, directory)
    print(dsn)


def events(directory):
    database = sqlite3.connect(f"file:{directory / 'db.sqlite3'}?mode=ro", uri=True)
    for (data,) in database.execute("select data from events_event order by digest_order"):
        print(json.dumps(json.loads(data)))


def stop(directory):
    pid_file = directory / "server.pid"
    pid = int(pid_file.read_text())
    deadline = time.monotonic() + 10
    try:
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            time.sleep(0.1)
            os.kill(pid, 0)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # gone, as asked
    pid_file.unlink()


def wait_for(server, port, directory):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"bugsink did not start, see {directory / 'server.log'}")


def manage(directory, *arguments):
    done = subprocess.run(
        [BIN / "bugsink-manage", *arguments],
        cwd=directory,
        env=environment(directory),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode != 0:
        sys.exit(f"bugsink-manage {arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def environment(directory):
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "bugsink_conf", "PYTHONPATH": str(directory)}


def main(arguments):
    match arguments:
        case ["start", directory]:
            start(Path(directory).resolve())
        case ["start", directory, port]:
            start(Path(directory).resolve(), int(port))
        case ["events", directory]:
            events(Path(directory).resolve())
        case ["stop", directory]:
            stop(Path(directory).resolve())
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
