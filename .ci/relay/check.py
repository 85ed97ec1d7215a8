#!/usr/bin/env python3
"""Does the real server understand what we send?

Normalises every event and transaction of a directory with Relay's own normaliser (the PyPI package `sentry-relay`), and
fails when Relay rejects a payload, notes an error about it, trims it, or leaves a value of it out.

    python3 -m venv VENV && VENV/bin/pip install -r .ci/relay/requirements.txt
    VENV/bin/python .ci/relay/check.py --self-test      proves that bad payloads are reported
    VENV/bin/python .ci/relay/check.py DIRECTORY        checks every *.json in it, one payload as sent per file

Exit codes: 0 all accepted, 1 something is wrong with a payload, 2 nothing could be checked.
"""

import json
import sys
from datetime import datetime
from pathlib import Path

try:
    from sentry_relay.exceptions import RelayError
    from sentry_relay.processing import StoreNormalizer
except ImportError as error:
    print(f"sentry-relay is not installed (pip install -r .ci/relay/requirements.txt): {error}", file=sys.stderr)
    sys.exit(2)

# As a Relay that stores events is configured.
SETTINGS = {"project_id": 42, "protocol_version": "7", "enable_trimming": True, "is_renormalize": False}

# Values that Relay keeps in another form, and where it then has to have something.
RESHAPED = {
    "contexts.response.cookies": ("contexts", "response", "cookies"),
    "message": ("logentry", "formatted"),
    "request.cookies": ("request", "cookies"),
    "request.data": ("request", "data"),
    "request.query_string": ("request", "query_string"),
    "request.url": ("request", "url"),
    "server_name": ("tags",),
}
# Values that Relay takes and then writes itself, from the envelope header `trace`.
OVERWRITTEN = {"contexts.trace.client_sample_rate"}


def problems_of(raw):
    """The reasons, in words, why a payload is not as Relay wants it."""
    try:
        sent = json.loads(raw)
    except ValueError as error:
        return [f"not JSON: {error}"]
    if not isinstance(sent, dict):
        return ["not a JSON object"]
    try:
        kept = StoreNormalizer(**SETTINGS).normalize_event(raw_event=raw)
    except RelayError as error:
        # The rest of the text is a stack trace of Relay.
        return [f"rejected: {str(error).splitlines()[0]}"]
    sent_meta = dict(sent.get("_meta", {}))
    if "message" in sent_meta and "logentry" not in sent_meta:
        # Remarks move with what they are about.
        sent_meta["logentry"] = {"formatted": sent_meta["message"]}
    problems = list(notes(kept.get("_meta", {}), sent_meta))
    noted = [path for path, _ in problems]
    for path, value in missing(sent, kept):
        if not any(path == note or path.startswith(note + ".") for note in noted):
            problems.append((path, f"dropped: {json.dumps(value)}"))
    return [f"{path}: {text}" for path, text in problems]


def notes(meta, sent_meta, path=""):
    """Errors and trimmings that Relay noted; trimmings that the client itself had noted are none."""
    if not isinstance(meta, dict):
        return
    note = meta.get("") or {}
    sent_note = (sent_meta if isinstance(sent_meta, dict) else {}).get("") or {}
    for error in note.get("err", []):
        reason = error if isinstance(error, str) else f"{error[0]} {json.dumps(error[1])}"
        value = f", sent was {json.dumps(note['val'])}" if "val" in note else ""
        yield path or "payload", f"error: {reason}{value}"
    if note.get("rem") and note.get("rem") != sent_note.get("rem"):
        yield path or "payload", f"changed: {json.dumps(note['rem'])}"
    for key, inner in meta.items():
        if key:
            sent_inner = sent_meta.get(key, {}) if isinstance(sent_meta, dict) else {}
            yield from notes(inner, sent_inner, f"{path}.{key}" if path else key)


def missing(sent, kept):
    """The values that are neither where they were sent nor anywhere else under their name."""
    anywhere = set(named_values(kept))
    for path, value in leaves(sent):
        reshaped = RESHAPED.get(".".join(map(str, path)))
        if path[0] == "_meta" or (reshaped and at(kept, reshaped)) or ".".join(map(str, path)) in OVERWRITTEN:
            continue
        if same(at(kept, path), value) or (str(path[-1]), canonical(value)) in anywhere:
            continue
        # Relay writes header names its own way, and names of headers have no case.
        if path[:2] == ("request", "headers") and (path[-1].title(), canonical(value)) in anywhere:
            continue
        yield ".".join(map(str, path)), value


def leaves(value, path=()):
    """Every value that is no container, with its path. What is empty may go."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    elif value not in (None, ""):
        yield path, value


def named_values(value):
    """Every value with the last name on its path; lists of pairs, Relay's form of many maps, count as maps."""
    for path, leaf in leaves(value):
        yield str(path[-1]), canonical(leaf)
    if isinstance(value, list):
        for entry in value:
            if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str):
                yield entry[0], canonical(entry[1])
    inner_values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for inner in inner_values:
        if isinstance(inner, (dict, list)):
            yield from named_values(inner)


def at(value, path):
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def same(kept, sent):
    return kept is not None and not isinstance(kept, (dict, list)) and canonical(kept) == canonical(sent)


def canonical(value):
    """One form for what is the same value to Relay: times, numbers, ids with and without dashes."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return f"{float(value):.3f}"
    if isinstance(value, str):
        try:
            return f"{datetime.fromisoformat(value).timestamp():.3f}" if "T" in value else plain(value)
        except ValueError:
            return plain(value)
    return json.dumps(value)


def plain(text):
    try:
        return f"{float(text):.3f}"
    except ValueError:
        return text.replace("-", "").strip().lower()


def check_directory(directory):
    files = sorted(Path(directory).glob("*.json"))
    if not files:
        print(f"relay: no *.json in {directory}", file=sys.stderr)
        return 2
    bad = 0
    for file in files:
        problems = problems_of(file.read_bytes())
        bad += bool(problems)
        for problem in problems:
            print(f"relay: {file.name}: {problem}", file=sys.stderr)
    print(f"relay: {len(files) - bad} of {len(files)} payloads accepted without a remark")
    return 1 if bad else 0


ID = "c993afb6b4ac48a6b61b2558e601d65d"
SPAN_ID = "a993afb6b4ac48a6"
GOOD_EVENT = {
    "event_id": ID,
    "timestamp": "2025-01-02T03:04:05.678901Z",
    "platform": "native",
    "level": "error",
    "logentry": {"formatted": "hello", "message": "hel%s", "params": ["lo"]},
    "logger": "shop",
    "transaction": "checkout",
    "server_name": "web-1",
    "release": "shop@1.2.3",
    "dist": "7",
    "environment": "production",
    "fingerprint": ["{{ default }}", "x"],
    "tags": {"plan": "free"},
    "extra": {"cart": {"items": [1, 2.5, True]}},
    "modules": {"serde": "1.0.0"},
    "user": {"id": "7", "email": "a@b.c", "ip_address": "127.0.0.1", "username": "ab", "plan": "x"},
    "request": {
        "method": "POST",
        "url": "http://x/y",
        "query_string": "a=b",
        "cookies": "c=d",
        "headers": {"Accept": "text/html"},
        "env": {"SERVER_NAME": "x"},
        "data": "body",
    },
    "contexts": {
        "os": {"name": "Linux", "version": "6.1", "kernel_version": "6.1.0"},
        "device": {"arch": "x86_64", "memory_size": 1024},
        "runtime": {"name": "rustc", "version": "1.89.0"},
        "app": {"app_name": "shop", "app_start_time": "2025-01-02T03:04:05Z"},
        "trace": {"trace_id": ID, "span_id": SPAN_ID, "op": "task", "status": "ok"},
        "flags": {"values": [{"flag": "a", "result": True}]},
        "own": {"key": "value"},
    },
    "breadcrumbs": {
        "values": [
            {"timestamp": 1735787045.123456, "type": "http", "category": "c", "message": "m", "level": "info",
             "data": {"status_code": 200}},
        ]
    },
    "exception": {
        "values": [
            {
                "type": "Error",
                "value": "no such file",
                "module": "std::io",
                "thread_id": 1,
                "mechanism": {"type": "generic", "handled": True, "exception_id": 1, "parent_id": 0,
                              "source": "source"},
            },
            {
                "type": "panic",
                "value": "boom",
                "mechanism": {"type": "panic", "handled": False, "exception_id": 0},
                "stacktrace": {
                    "frames": [
                        {
                            "function": "main",
                            "filename": "src/main.rs",
                            "abs_path": "/x/src/main.rs",
                            "lineno": 2,
                            "colno": 5,
                            "pre_context": ["fn main() {"],
                            "context_line": "    panic!()",
                            "post_context": ["}"],
                            "in_app": True,
                            "package": "shop",
                            "instruction_addr": "0x1000",
                            "symbol_addr": "0xff0",
                            "image_addr": "0x0",
                        }
                    ]
                },
            },
        ]
    },
    "threads": {"values": [{"id": 1, "name": "main", "crashed": True, "current": True}]},
    "debug_meta": {
        "images": [
            {
                "type": "elf",
                "code_id": "f1c3bcc0279865fe3058404b2831d9e64135386c",
                "debug_id": "c0bcc3f1-9827-fe65-3058-404b2831d9e6",
                "image_addr": "0x1000",
                "image_size": 4096,
                "code_file": "/bin/shop",
                "arch": "x86_64",
            }
        ]
    },
    "sdk": {
        "name": "sentry.rust",
        "version": "1.0.0",
        "integrations": ["panic"],
        "packages": [{"name": "cargo:sentry", "version": "1.0.0"}],
    },
}
GOOD_TRANSACTION = {
    "event_id": ID,
    "type": "transaction",
    "transaction": "/x",
    "transaction_info": {"source": "route"},
    "start_timestamp": 1735787044.0,
    "timestamp": 1735787045.678,
    "platform": "native",
    "contexts": {
        "trace": {"trace_id": ID, "span_id": SPAN_ID, "op": "http.server", "status": "ok", "origin": "manual",
                  "data": {"a": 1}}
    },
    "spans": [
        {
            "span_id": "b993afb6b4ac48a6",
            "parent_span_id": SPAN_ID,
            "trace_id": ID,
            "start_timestamp": 1735787044.5,
            "timestamp": 1735787044.6,
            "op": "db",
            "description": "select 1",
            "status": "ok",
            "origin": "auto.db",
            "data": {"db.system": "x"},
            "tags": {"a": "b"},
        }
    ],
    "measurements": {"rows": {"value": 1.5, "unit": "none"}},
}


def self_test():
    """Good payloads pass, and each kind of bad one is reported with the name of what is wrong."""

    def changed(payload, **fields):
        return json.dumps({**payload, **fields}).encode()

    cases = [
        ("good event", changed(GOOD_EVENT), None),
        ("good message", changed({"event_id": ID, "timestamp": 1.5, "platform": "native", "message": "hi"}), None),
        ("good transaction", changed(GOOD_TRANSACTION), None),
        ("header", changed(GOOD_EVENT, request={"url": "http://a/", "headers": {"content-type": "text/html"}}), None),
        ("level", changed(GOOD_EVENT, level=7), "level: error: invalid_data, sent was 7"),
        ("timestamp", changed(GOOD_EVENT, timestamp="nonsense"), "timestamp: error: invalid_data"),
        ("unknown field", changed(GOOD_EVENT, nobody_knows=5), "nobody_knows: error: invalid_attribute"),
        ("event id", changed(GOOD_EVENT, event_id="x"), "event_id: error"),
        ("long tag", changed(GOOD_EVENT, tags={"a": "b" * 300}), "tags.0.1: "),
        ("bad frame", changed(GOOD_EVENT, stacktrace={"frames": [{"lineno": "x"}]}), "lineno: error"),
        ("dropped field", changed(GOOD_EVENT, sdk={"name": "a", "version": "1", "settings": {"infer_ip": "never"},
                                                   "packages": [{"name": "a", "version": "1", "url": "u"}]}), "url"),
        ("transaction without start", changed({**GOOD_TRANSACTION, "start_timestamp": None}), "rejected: "),
        ("not JSON", b"{", "not JSON"),
        ("not an object", b"[]", "not a JSON object"),
    ]
    failed = 0
    for name, raw, expected in cases:
        problems = problems_of(raw)
        ok = any(expected in problem for problem in problems) if expected else not problems
        failed += not ok
        if not ok:
            print(f"relay self-test: {name}: expected {expected!r}, got {problems}", file=sys.stderr)
    print(f"relay self-test: {len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main(arguments):
    match arguments:
        case ["--self-test"]:
            return self_test()
        case [directory] if not directory.startswith("-"):
            return check_directory(directory)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
