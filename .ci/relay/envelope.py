"""An envelope reader written from the grammar (protocol 1.1 to 1.4) and from nothing else: strict, because a server may be."""

import json
import re
from dataclasses import dataclass

ID = re.compile(r"(?!0{32})[0-9a-f]{32}")


class Malformed(Exception):
    """Why some bytes are not an envelope."""


@dataclass
class Item:
    headers: dict
    payload: bytes

    @property
    def kind(self):
        return self.headers.get("type")

    @property
    def is_trace_attachment(self):
        return self.kind == "attachment" and self.headers.get("content_type") == TRACE_ATTACHMENT

    def json(self):
        """The payload; of a file of a trace, the description."""
        length = self.headers.get("meta_length") if self.is_trace_attachment else None
        return parse(self.payload[:length], f"payload of the {self.kind}")


@dataclass
class Envelope:
    headers: dict
    items: list


def read(data):
    """Reads a whole envelope. Raises `Malformed`."""
    line, rest = split(data)
    headers = header(line, "envelope header")
    items = []
    while rest:
        line, rest = split(rest)
        item = header(line, f"header of item {len(items)}")
        length = item.get("length")
        if not isinstance(length, int) or isinstance(length, bool):
            raise Malformed(f"item {len(items)} has no length")
        if len(rest) < length:
            raise Malformed(f"item {len(items)} has {len(rest)} bytes of {length}")
        payload, rest = rest[:length], rest[length:]
        if rest and not rest.startswith(b"\n"):
            raise Malformed(f"item {len(items)} goes on after its length")
        rest = rest[1:]
        items.append(Item(item, payload))
    return Envelope(headers, items)


def split(data):
    line, _, rest = data.partition(b"\n")
    return line, rest


def header(line, what):
    value = parse(line, what)
    if not isinstance(value, dict):
        raise Malformed(f"{what} is no object")
    if b"\r" in line or line != line.strip():
        raise Malformed(f"{what} has space around it")
    return value


def parse(data, what):
    """JSON as a strict server reads it: UTF-8, each key once, finite numbers."""

    def unique(pairs):
        value = dict(pairs)
        if len(value) != len(pairs):
            raise Malformed(f"{what} has a key twice: {sorted(key for key, _ in pairs)}")
        return value

    def refuse(constant):
        raise Malformed(f"{what} has the number {constant}")

    try:
        return json.loads(data.decode("utf-8", "strict"), object_pairs_hook=unique, parse_constant=refuse)
    except ValueError as error:
        raise Malformed(f"{what} is not JSON: {error}") from None


EVENT_LIKE = {"event", "feedback", "transaction"}
# A file with a description of itself before it, which belongs to a trace and not to an event.
TRACE_ATTACHMENT = "application/vnd.sentry.trace-attachment"
CONTAINERS = {
    "log": ("application/vnd.sentry.items.log+json", 100),
    "span": ("application/vnd.sentry.items.span.v2+json", 1000),
    "trace_metric": ("application/vnd.sentry.items.trace-metric+json", 100),
}
KIB, MIB = 1024, 1024 * 1024
SIZES = {"check_in": 100 * KIB, "client_report": 4 * KIB, "profile_chunk": 50 * MIB, "attachment": 200 * MIB}


def problems_of(envelope):
    """What is wrong with the headers, and with the company that the items keep (protocol 1.2 to 1.6)."""
    headers, kinds = envelope.headers, [item.kind for item in envelope.items]
    if not envelope.items:
        yield "no items"
    for key in headers.keys() - {"dsn", "event_id", "sdk", "sent_at", "trace"}:
        yield f"header {key} is not one of the protocol"
    if "sent_at" not in headers:
        yield "no sent_at"
    needs_id = EVENT_LIKE & set(kinds)
    if needs_id and not ID.fullmatch(str(headers.get("event_id"))):
        yield f"event_id is {headers.get('event_id')}"
    if "span" in kinds and "trace" not in headers:
        yield "spans without a trace"
    if {"log", "trace_metric"} & set(kinds) and "trace" in headers:
        yield "logs or metrics with a trace"
    if len(EVENT_LIKE & set(kinds)) > 1:
        yield f"{sorted(needs_id)} in one envelope"
    if any(item.kind == "attachment" and not item.is_trace_attachment for item in envelope.items) and not needs_id:
        yield "an attachment without its event"
    for kind in EVENT_LIKE | CONTAINERS.keys() | {"check_in", "profile_chunk"}:
        if kinds.count(kind) > 1:
            yield f"{kinds.count(kind)} items of type {kind}"
    for item in envelope.items:
        yield from (f"{item.kind}: {problem}" for problem in problems_of_header(item, headers))


def problems_of_header(item, headers):
    if len(item.payload) > SIZES.get(item.kind, MIB):
        yield f"{len(item.payload)} bytes"
    if item.is_trace_attachment:
        length = item.headers.get("meta_length")
        if not isinstance(length, int) or not 0 < length <= len(item.payload):
            yield f"meta_length is {length}"
        elif "trace" in headers and item.json().get("trace_id") != headers["trace"].get("trace_id"):
            yield "the trace is not that of the envelope"
        if "span_id" in item.headers and not re.fullmatch(r"null|[0-9a-f]{16}", item.headers["span_id"] or "null"):
            yield f"span_id is {item.headers['span_id']}"
        return
    if item.kind == "attachment":
        name = item.headers.get("filename")
        if not isinstance(name, str) or not name or "/" in name or "\\" in name:
            yield f"filename is {name!r}"
        if item.headers.get("attachment_type") == "event.minidump" and not item.payload.startswith(b"MDMP"):
            yield "not a minidump"
        return
    payload = item.json()
    if not isinstance(payload, dict):
        yield "not an object"
        return
    if item.kind in EVENT_LIKE and payload.get("event_id") != headers.get("event_id"):
        yield f"event_id is {payload.get('event_id')}, the envelope says {headers.get('event_id')}"
    if item.kind == "profile_chunk" and payload.get("platform") != item.headers.get("platform"):
        yield "the platform of the header is not that of the payload"
    if item.kind in CONTAINERS:
        content_type, most = CONTAINERS[item.kind]
        count = len(payload.get("items", []))
        if item.headers.get("content_type") != content_type:
            yield f"content_type is {item.headers.get('content_type')}"
        if item.headers.get("item_count") != count or not 1 <= count <= most:
            yield f"item_count is {item.headers.get('item_count')}, there are {count}"
