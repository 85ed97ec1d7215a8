"""What each kind of item may say: all but events and transactions, which Relay's own normalizer judges.

Every field has its type here and nothing else is allowed, so that a misspelt optional field is found.
"""

import math
import re
from datetime import datetime

REASONS = set(
    "queue_overflow cache_overflow buffer_overflow ratelimit_backoff network_error sample_rate before_send event_processor "
    "send_error internal_sdk_error insufficient_data backpressure ignored invalid no_parent_span callback_error".split()
)
CATEGORIES = set(
    "error transaction span monitor log_item log_byte trace_metric trace_metric_byte session attachment attachment_item profile "
    "profile_chunk profile_chunk_ui feedback internal default".split()
)


def text(value):
    if not isinstance(value, str) or not value:
        yield f"{value!r} is no text"


def flag(value):
    if not isinstance(value, bool):
        yield f"{value!r} is neither true nor false"


def true(value):
    if value is not True:
        yield f"{value!r} instead of true or nothing"


def number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        yield f"{value!r} is no number"


def whole(value):
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        yield f"{value!r} is no natural number"


def matches(pattern, what):
    compiled = re.compile(pattern)

    def check(value):
        if not isinstance(value, str) or not compiled.fullmatch(value):
            yield f"{value!r} is no {what}"

    return check


def one_of(*words):
    def check(value):
        if value not in words or isinstance(value, bool):
            yield f"{value!r} is none of {sorted(words)}"

    return check


def iso(value):
    try:
        good = isinstance(value, str) and datetime.fromisoformat(value).utcoffset().total_seconds() == 0
    except (ValueError, AttributeError):
        good = False
    if not good:
        yield f"{value!r} is no time in UTC"


def seconds(value):
    yield from number(value)
    if not 1e9 < (value if isinstance(value, (int, float)) else 0) < 1e10:
        yield f"{value!r} is no time in seconds"


def moment(value):
    yield from iso(value) if isinstance(value, str) else seconds(value)


def listed(check, least=1, most=None):
    def check_list(value):
        if not isinstance(value, list):
            yield f"{value!r:.60} is no list"
            return
        if len(value) < least or (most is not None and len(value) > most):
            yield f"{len(value)} entries"
        for index, inner in enumerate(value):
            yield from (f"{index}.{problem}" for problem in named(check, inner))

    return check_list


def keyed(check):
    """An object of any keys. What is empty has to be left out."""

    def check_keys(value):
        if not isinstance(value, dict) or not value:
            yield f"{value!r:.60} is no object with something in it"
            return
        for key, inner in value.items():
            yield from (f"{key}.{problem}" for problem in named(check, inner))

    return check_keys


def fields(required, optional=None):
    optional = optional or {}

    def check_fields(value):
        if not isinstance(value, dict):
            yield f"{value!r:.60} is no object"
            return
        for key in required.keys() - value.keys():
            yield f"{key} is missing"
        for key, inner in value.items():
            check = required.get(key) or optional.get(key)
            if check is None:
                yield f"{key} is not a field of the protocol"
            elif inner is None:
                yield f"{key} is null instead of absent"
            else:
                yield from (f"{key}: {problem}" for problem in check(inner))

    return check_fields


def named(check, value):
    return (f" {problem}" for problem in check(value))


def attribute(value):
    """A typed attribute (protocol 6)."""
    yield from ATTRIBUTE(value)
    if not isinstance(value, dict):
        return
    kind, inner = value.get("type"), value.get("value")
    check = ATTRIBUTE_TYPES.get(kind)
    if check:
        yield from (f"as {kind}: {problem}" for problem in check(inner))
    if kind == "array" and isinstance(inner, list) and len({type(entry) for entry in inner}) > 1:
        yield "an array of several types"


def signed(value):
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        yield f"{value!r} is no integer of 64 bits"


def string(value):
    if not isinstance(value, str):
        yield f"{value!r} is no string"


def primitive(value):
    if not isinstance(value, (str, bool, int, float)):
        yield f"{value!r} is no primitive"


def anything(_):
    return ()


ID = matches(r"(?!0{32})[0-9a-f]{32}", "id")
ANY_ID = matches(r"[0-9a-f]{32}", "id")
SPAN_ID = matches(r"(?!0{16})[0-9a-f]{16}", "span id")
ADDRESS = matches(r"0x[0-9a-f]+", "address")
ATTRIBUTE_TYPES = {
    "string": string,
    "boolean": flag,
    "integer": signed,
    "double": number,
    "array": listed(primitive, least=0),
}
ATTRIBUTE = fields({"value": anything, "type": one_of(*ATTRIBUTE_TYPES)}, {"unit": text})
ATTRIBUTES = keyed(attribute)

SDK = fields(
    {"name": text, "version": matches(r"\d+\.\d+\.\d+.*", "version")},
    {
        "integrations": listed(text),
        "features": listed(text),
        "packages": listed(fields({"name": text, "version": text})),
        "settings": fields({"infer_ip": one_of("never", "auto")}),
    },
)
TRACE = fields(
    {"trace_id": ID, "public_key": text},
    {
        "sample_rate": matches(r"[01]|0\.\d+|\de-\d+", "rate"),
        "sample_rand": matches(r"0\.\d{6}", "random number"),
        "sampled": one_of("true", "false"),
        "release": text,
        "environment": text,
        "transaction": text,
        "org_id": matches(r"\d+", "organization"),
        "replay_id": ID,
    },
)
HEADERS = fields({"sent_at": iso}, {"event_id": ID, "dsn": matches(r"https?://.+@.+/.+", "DSN"), "sdk": SDK, "trace": TRACE})

SESSION_ATTRIBUTES = fields({"release": text}, {"environment": text, "ip_address": text, "user_agent": text})
INGEST_SETTINGS = fields({}, {"infer_ip": one_of("auto", "never"), "infer_user_agent": one_of("auto", "never")})


def container(record, most):
    return fields({"items": listed(record, 1, most)}, {"version": one_of(2), "ingest_settings": INGEST_SETTINGS})


LOG = fields(
    {
        "timestamp": seconds,
        "trace_id": ID,
        "level": one_of("trace", "debug", "info", "warn", "error", "fatal"),
        "body": string,
    },
    {"span_id": SPAN_ID, "severity_number": one_of(*range(1, 25)), "attributes": ATTRIBUTES},
)
METRIC = fields(
    {
        "timestamp": seconds,
        "type": one_of("counter", "gauge", "distribution"),
        "name": text,
        "value": number,
        "trace_id": ID,
    },
    {"span_id": SPAN_ID, "unit": text, "attributes": ATTRIBUTES},
)
SPAN = fields(
    {
        "trace_id": ID,
        "span_id": SPAN_ID,
        "name": text,
        "status": one_of("ok", "error"),
        "is_segment": flag,
        "start_timestamp": seconds,
        "end_timestamp": seconds,
    },
    {
        "parent_span_id": SPAN_ID,
        "attributes": ATTRIBUTES,
        "links": listed(fields({"span_id": SPAN_ID, "trace_id": ID}, {"sampled": flag, "attributes": ATTRIBUTES})),
    },
)


def span(value):
    yield from SPAN(value)
    for key in ("sentry.segment.name", "sentry.segment.id"):
        if key not in value.get("attributes", {}):
            yield f"attribute {key} is missing"
    if value.get("end_timestamp", 0) < value.get("start_timestamp", 0):
        yield "it ends before it starts"


def log(value):
    yield from LOG(value)
    attributes = value.get("attributes", {})
    if "sentry.message.template" in attributes and not any(key.startswith("sentry.message.parameter.") for key in attributes):
        yield "a template without parameters"


def profile(value):
    yield from PROFILE(value)
    frames, stacks = value.get("frames", []), value.get("stacks", [])
    if any(not 0 <= index < len(frames) for stack in stacks for index in stack):
        yield "a stack names a frame that is not there"
    if any(not 0 <= sample.get("stack_id", -1) < len(stacks) for sample in value.get("samples", [])):
        yield "a sample names a stack that is not there"


FRAME = fields(
    {},
    {
        "function": text,
        "raw_function": text,
        "module": text,
        "filename": text,
        "abs_path": text,
        "lineno": whole,
        "colno": whole,
        "in_app": flag,
        "package": text,
        "platform": text,
        "instruction_addr": ADDRESS,
        "symbol_addr": ADDRESS,
        "image_addr": ADDRESS,
    },
)
PROFILE = fields(
    {
        "samples": listed(fields({"timestamp": seconds, "thread_id": text, "stack_id": whole})),
        "stacks": listed(listed(whole)),
        "frames": listed(FRAME),
    },
    {"thread_metadata": keyed(fields({}, {"name": text, "priority": whole}))},
)
IMAGE = fields(
    {"type": one_of("elf", "macho", "pe", "wasm"), "image_addr": ADDRESS, "image_size": whole, "debug_id": text},
    {"code_id": text, "code_file": text, "debug_file": text, "image_vmaddr": ADDRESS, "arch": text},
)
CHECKS = {
    "session": fields(
        {"started": iso, "attrs": SESSION_ATTRIBUTES},
        {
            "sid": ID,
            "did": text,
            "seq": whole,
            "timestamp": iso,
            "init": true,
            "duration": number,
            "status": one_of("ok", "exited", "crashed", "abnormal", "unhandled"),
            "errors": whole,
            "abnormal_mechanism": text,
        },
    ),
    "sessions": fields(
        {
            "aggregates": listed(
                fields(
                    {"started": iso},
                    {key: whole for key in ("exited", "errored", "unhandled", "crashed", "abnormal")} | {"did": text},
                ),
                1,
                100,
            ),
            "attrs": SESSION_ATTRIBUTES,
        }
    ),
    "check_in": fields(
        {"check_in_id": ANY_ID, "monitor_slug": text, "status": one_of("in_progress", "ok", "error")},
        {
            "duration": number,
            "release": text,
            "environment": text,
            "contexts": fields({"trace": fields({"trace_id": ID}, {"span_id": SPAN_ID})}),
            "monitor_config": fields(
                {
                    "schedule": fields(
                        {"type": one_of("crontab", "interval"), "value": lambda value: (text if isinstance(value, str) else whole)(value)},
                        {"unit": one_of("year", "month", "week", "day", "hour", "minute")},
                    )
                },
                {
                    "checkin_margin": whole,
                    "max_runtime": whole,
                    "failure_issue_threshold": whole,
                    "recovery_threshold": whole,
                    "timezone": text,
                    "owner": matches(r"(user|team):.+", "owner"),
                },
            ),
        },
    ),
    "client_report": fields(
        {"discarded_events": listed(fields({"reason": one_of(*REASONS), "category": one_of(*CATEGORIES), "quantity": whole}))},
        {"timestamp": moment},
    ),
    "log": container(log, 100),
    "trace_metric": container(METRIC, 100),
    "span": container(span, 1000),
    "profile_chunk": fields(
        {
            "version": one_of("2"),
            "profiler_id": ID,
            "chunk_id": ID,
            "client_sdk": fields({"name": text, "version": text}),
            "platform": text,
            "release": text,
            "profile": profile,
        },
        {"environment": text, "debug_meta": fields({"images": listed(IMAGE)}), "measurements": anything},
    ),
}
FEEDBACK = fields(
    {"message": text},
    {
        "type": one_of("feedback"),
        "contact_email": text,
        "name": text,
        "url": text,
        "associated_event_id": ID,
        "replay_id": ID,
    },
)


TRACE_ATTACHMENT = fields(
    {"trace_id": ID, "attachment_id": ID, "timestamp": seconds, "content_type": text},
    {"filename": text, "attributes": ATTRIBUTES},
)


def problems_of(item):
    """What is wrong with the payload of one item; nothing is known about those that the normalizer judges."""
    if item.kind == "feedback":
        context = item.json().get("contexts", {}).get("feedback")
        yield from (f"contexts.feedback {problem}" for problem in FEEDBACK(context))
        if isinstance(context, dict) and len(context.get("message", "")) > 4096:
            yield "a message of more than 4096 characters"
        return
    if item.is_trace_attachment:
        yield from (f"description {problem}" for problem in TRACE_ATTACHMENT(item.json()))
        return
    if item.kind in CHECKS:
        yield from CHECKS[item.kind](item.json())
    elif item.kind not in ("attachment", "event", "transaction"):
        yield "a type that nobody should write"
