#!/usr/bin/env python3
"""Our scrubber beside the server's own, on the labelled samples.

Runs the samples that `tests/scrubbing.rs` has written through Relay's scrubber with its default rules (the PyPI package
`sentry-relay`), prints both scores, and fails when Relay takes out a labelled secret that we leave.

    VENV/bin/python .ci/relay/scrub.py target/tmp/scrubbing/samples.json

Exit codes: 0 nothing is missed, 1 something is, 2 nothing could be checked.
"""

import json
import sys
from collections import Counter
from pathlib import Path

try:
    from sentry_relay.processing import convert_datascrubbing_config, pii_strip_event
except ImportError as error:
    print(f"sentry-relay is not installed (pip install -r .ci/relay/requirements.txt): {error}", file=sys.stderr)
    sys.exit(2)

# As a new project is configured.
SETTINGS = {
    "scrubData": True,
    "scrubDefaults": True,
    "scrubIpAddresses": False,
    "sensitiveFields": [],
    "excludeFields": [],
}


def text_of(event, before):
    """All that stands where the sample stood, as text: Relay takes headers, cookies and queries apart."""
    return json.dumps([event.get(field) for field in before], ensure_ascii=False, sort_keys=True)


def is_gone(secret, event, before):
    """Whether a secret is not there any more. Short ones are found everywhere: for those anything that went counts."""
    written = json.dumps(secret, ensure_ascii=False)[1:-1]
    left = text_of(event, before)
    return has_mark(left) or left == "[null]" if len(secret) < 4 else written not in left


def has_mark(text):
    """Whether something was taken out: `?` stands for a literal of SQL."""
    return "[Filtered]" in text or "?" in text


def is_touched(event, before):
    """Whether more of it was taken out than before."""
    return text_of(event, before).count("[Filtered]") > text_of(before, before).count("[Filtered]")


def main(path):
    samples = json.loads(Path(path).read_text(encoding="utf-8"))
    if len(samples) < 300:
        print(f"only {len(samples)} samples in {path}", file=sys.stderr)
        return 2
    config = convert_datascrubbing_config(SETTINGS)
    score, missed, better = Counter(), [], 0
    for sample in samples:
        before, ours, secrets = sample["before"], sample["after"], sample["secrets"]
        # What it cannot parse it does not scrub.
        theirs = pii_strip_event(config, before)
        if not secrets:
            score["innocent"] += 1
            score["ours wrong"] += is_touched(ours, before)
            score["theirs wrong"] += is_touched(theirs, before)
            continue
        score["secrets"] += 1
        found = [(is_gone(secret, ours, before), is_gone(secret, theirs, before)) for secret in secrets]
        score["ours found"] += all(mine for mine, _ in found)
        score["theirs found"] += all(other for _, other in found)
        if any(other and not mine for mine, other in found):
            missed.append(f"{sample['label']} => {text_of(ours, before)} / {text_of(theirs, before)}")
        better += any(mine and not other for mine, other in found)
    print(f"{'':24}{'ours':>8}{'Relay':>8}")
    print(f"{'secrets found':24}{score['ours found']:8}{score['theirs found']:8}   of {score['secrets']}")
    print(f"{'innocent taken out':24}{score['ours wrong']:8}{score['theirs wrong']:8}   of {score['innocent']}")
    print(f"found by us alone: {better}; found by Relay alone: {len(missed)}")
    for miss in missed:
        print(f"missed: {miss}")
    return 1 if missed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1]))
