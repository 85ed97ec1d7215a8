#!/usr/bin/env python3
"""Do the golden wire files say what the protocol asks for?

Reads `tests/golden/wire/*.envelope`, which the SDK has written, with a reader that shares nothing with it; judges each item, the
events and transactions with Relay's normalizer (`check.py`), the others by `items.py`; and finds every field of the protocol
that `fields.tsv` names in the file where it has to be.

    VENV/bin/python .ci/relay/golden.py --self-test
    VENV/bin/python .ci/relay/golden.py tests/golden/wire

The table has a row per field: section of the protocol, field, golden file, place. A place is `header.…` (of the envelope),
`TYPE@NAME` (a header of an item) or `TYPE.PATH` (its payload), where `*` is any index, `[a.b]` a key with dots, and `=…` the value.
A row without a file is a field that this SDK does not send, and says why.

Exit codes: 0 all is there, 1 something is wrong.
"""

import csv
import re
import sys
from pathlib import Path

import check
import envelope
import items

TABLE = Path(__file__).with_name("fields.tsv")


def judge(data):
    """What is wrong with one envelope."""
    try:
        read = envelope.read(data)
        yield from envelope.problems_of(read)
        yield from (f"header {problem}" for problem in items.HEADERS(read.headers))
        for item in read.items:
            yield from (f"{item.kind}: {problem}" for problem in items.problems_of(item))
            if item.kind in ("event", "transaction"):
                yield from (f"{item.kind}: {problem}" for problem in check.problems_of(item.payload))
    except envelope.Malformed as error:
        yield str(error)


STEP = re.compile(r"\[([^]]*)\]|([^.]+)")


def found(value, steps):
    """Every value at the end of a path."""
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict) and step in value:
        yield from found(value[step], rest)
    elif isinstance(value, list):
        for inner in value if step == "*" else []:
            yield from found(inner, rest)


def values_at(read, place):
    """The values at a place of the table."""
    place, _, wanted = place.partition("=")
    kind, sign, name = re.fullmatch(r"([a-z_]+)([.@])(.*)", place).groups()
    steps = [quoted or plain for quoted, plain in STEP.findall(name)]
    if kind == "header":
        values = found(read.headers, steps)
    elif sign == "@":
        values = (item.headers[name] for item in read.items if item.kind == kind and name in item.headers)
    else:
        values = (value for item in read.items if item.kind == kind for value in found(item.json(), steps))
    return [value for value in values if value is not None and (not wanted or value == wanted)]


def missing(rows, files):
    """The rows whose field is not where they say."""
    for row in rows:
        if row["golden file"] == "-":
            continue
        read = files.get(row["golden file"])
        if read is None:
            yield row, "there is no such file"
        elif not values_at(read, row["place"]):
            yield row, "not there"


def check_directory(directory):
    bad, files = 0, {}
    for path in sorted(Path(directory).glob("*.envelope")):
        problems = list(judge(path.read_bytes()))
        bad += bool(problems)
        for problem in problems:
            print(f"golden: {path.name}: {problem}", file=sys.stderr)
        try:
            files[path.stem] = envelope.read(path.read_bytes())
        except envelope.Malformed:
            pass
    with TABLE.open(newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    lost = list(missing(rows, files))
    for row, why in lost:
        print(f"golden: {row['section']} {row['field']}: {why}: {row['golden file']} {row['place']}", file=sys.stderr)
    unnamed = files.keys() - {row["golden file"] for row in rows}
    for name in sorted(unnamed):
        print(f"golden: no row of the table names {name}", file=sys.stderr)
    absent = [row["field"] for row in rows if row["golden file"] == "-"]
    print(f"golden: {len(files)} envelopes, {bad} with problems; {len(rows) - len(absent) - len(lost)} fields found, {len(lost)} missing")
    print(f"golden: not sent by this SDK, see the table: {'; '.join(absent)}")
    return 1 if bad or lost or unnamed or not files else 0


def self_test():
    """Each kind of mistake is found, and a good envelope is left alone."""
    sent = b'{"sent_at":"2023-11-14T22:13:20Z"}'

    def one(header, payload):
        return sent + b"\n" + header.replace(b"LENGTH", str(len(payload)).encode()) + b"\n" + payload + b"\n"

    session = b'{"started":"2023-11-14T22:13:20Z","attrs":{"release":"a"}}'
    plain = b'{"type":"session","length":LENGTH}'
    log_header = b'{"type":"log","length":LENGTH,"item_count":1,"content_type":"application/vnd.sentry.items.log+json"}'
    log = b'{"version":2,"items":[{"timestamp":1700000000.5,"trace_id":"%s","level":"info","body":"x","attributes":%s}]}'
    trace_id = b"4" * 32
    file = b'{"trace_id":"%s","attachment_id":"%s","timestamp":1700000000.5,"content_type":"text/plain"}' % (trace_id, b"5" * 32)
    file_header = (
        b'{"type":"attachment","length":LENGTH,"content_type":"application/vnd.sentry.trace-attachment","meta_length":%d,"span_id":null}'
        % len(file)
    )
    good = log % (trace_id, b'{"a":{"value":1,"type":"integer"}}')
    cases = [
        (one(plain, session), None),
        (one(log_header, good), None),
        (one(b'{"type":"session","length":9999}', session), "bytes of 9999"),
        (one(b'{"type":"session","length":3}', session), "goes on after its length"),
        (one(b'{"type":"session"}', session), "has no length"),
        (one(plain, session.replace(b"started", b"begun")), "started is missing"),
        (one(plain, session.replace(b'"attrs"', b'"extra":1,"attrs"')), "extra is not a field"),
        (one(plain, session.replace(b'"attrs"', b'"did":null,"attrs"')), "did is null"),
        (one(plain, session.replace(b'"attrs"', b'"attrs":{},"attrs"')), "a key twice"),
        (one(plain, session.replace(b'"attrs"', b'"duration":NaN,"attrs"')), "the number NaN"),
        (one(plain, session.replace(b"20Z", b"20+02:00")), "no time in UTC"),
        (sent + b"\n", "no items"),
        (one(log_header.replace(b'count":1', b'count":2'), good), "item_count is 2"),
        (one(log_header, log % (b"0" * 32, b'{"a":{"value":1,"type":"integer"}}')), "is no id"),
        (one(log_header, log % (trace_id, b'{"a":{"value":1,"type":"string"}}')), "is no string"),
        (one(log_header, log % (trace_id, b'{"a":{"value":[1,"b"],"type":"array"}}')), "several types"),
        (one(log_header, log % (trace_id, b"{}")), "something in it"),
        (one(b'{"type":"statsd","length":LENGTH}', b"{}"), "nobody should write"),
        (one(b'{"type":"attachment","length":LENGTH,"filename":"a/b"}', b""), "filename is"),
        (one(b'{"type":"attachment","length":LENGTH,"filename":"a"}', b""), "without its event"),
        (one(file_header, file + b"the file"), None),
        (one(file_header, file.replace(b"timestamp", b"timestamq")), "timestamp is missing"),
        (one(file_header, b"{}"), "meta_length is"),
        (one(file_header.replace(b"null", b'"x"'), file), "span_id is x"),
        (sent.replace(b"}", b',"trace":{"trace_id":"x","public_key":"y"}}') + b"\n" + one(plain, session).split(b"\n", 1)[1], "is no id"),
    ]
    failed = 0
    for data, expected in cases:
        problems = list(judge(data))
        ok = any(expected in problem for problem in problems) if expected else not problems
        failed += not ok
        if not ok:
            print(f"golden self-test: expected {expected!r}, got {problems} for {data!r}", file=sys.stderr)
    read = envelope.read(one(log_header, good))
    row = {"golden file": "log", "section": "", "field": "", "place": "log.items.*.attributes.[a].type=integer"}
    for place, is_there in [
        (row["place"], True),
        ("log.items.*.attributes.[a].type=string", False),
        ("log.items.*.span_id", False),
        ("log@item_count", True),
        ("log@platform", False),
        ("header.sent_at", True),
        ("header.dsn", False),
    ]:
        ok = bool(list(missing([row | {"place": place}], {"log": read}))) != is_there
        failed += not ok
        if not ok:
            print(f"golden self-test: {place}", file=sys.stderr)
    print(f"golden self-test: {failed} failed")
    return 1 if failed else 0


def main(arguments):
    match arguments:
        case ["--self-test"]:
            return self_test()
        case [directory] if not directory.startswith("-"):
            return check_directory(directory)
    print(__doc__, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
