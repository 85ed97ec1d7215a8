#!/usr/bin/env python3
"""Does each feature that docs/FEATURES.md calls done name a test, and is that test in the tree?

    python3 .ci/features.py            the table alone
    python3 .ci/features.py LIST.tsv   and that it has a row for each feature of the list, in its order
    python3 .ci/features.py --self-test

A test is named `FILE::FUNCTION`, from the root of the workspace. The function has to be a test, or a part of a test program
with a `main` of its own. What is `done` or `partly` needs one; what is `partly` or `no` needs a note that says why.

Exit codes: 0 all good, 1 something is missing.
"""

import csv
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
STATES = ("done", "partly", "no")
NAME = re.compile(r"`([\w/.-]+\.rs)::(\w+)`")


def rows(text):
    """Feature, state, tests and note of each row."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and cells[0] != "feature" and set(cells[0]) != {"-"}:
            yield cells


def is_test(source, name):
    """Whether `name` is a test of this file: under an attribute that says so, or in a program that runs it from `main`."""
    found = re.search(rf"^(?P<indent>[ \t]*)(async )?fn {name}\b", source, re.MULTILINE)
    if not found:
        return False
    attributes = []
    for line in reversed(source[: found.start()].splitlines()):
        if not line.strip().startswith(("#[", "///")):
            break
        attributes.append(line.strip())
    if any(re.match(r"#\[(\w+::)?test\b", line) for line in attributes):
        return True
    runs = re.search(r"^fn main\(\)", source, re.MULTILINE)
    return bool(runs) and (name == "main" or len(re.findall(rf"\b{name}\b", source)) > 1)


def problems(text, root):
    for feature, state, tests, note in rows(text):
        if state not in STATES:
            yield f"{feature}: {state!r} is none of {', '.join(STATES)}"
        names = NAME.findall(tests)
        if state in ("done", "partly") and not names:
            yield f"{feature}: {state} without a test"
        if state in ("partly", "no") and not note:
            yield f"{feature}: {state} without a reason"
        if len(names) != tests.count("`") // 2:
            yield f"{feature}: {tests} is not `FILE::FUNCTION`"
        for file, name in names:
            path = root / file
            if not path.is_file():
                yield f"{feature}: there is no {file}"
            elif not is_test(path.read_text(), name):
                yield f"{feature}: {name} is no test of {file}"


def first_word(feature):
    return re.findall(r"\w+", feature)[0]


def uncovered(text, listed):
    """Where the table is not in step with the list. Names may differ in their details, not in their first word."""
    have, want = [first_word(row[0]) for row in rows(text)], [first_word(feature) for feature in listed]
    for index, (one, other) in enumerate(zip(have, want)):
        if one != other:
            yield f"row {index + 1} begins with {one}, the list with {other}"
            return
    if len(have) != len(want):
        yield f"{len(have)} rows for {len(want)} features"


def self_test():
    source = "fn plain() {}\n#[test]\n#[should_panic]\nfn one() {}\n    #[tokio::test]\n    async fn two() {}\n"
    program = "fn main() {\n    three();\n}\nfn three() {}\nfn four() {}\n"
    cases = [
        (is_test(source, "one"), True),
        (is_test(source, "two"), True),
        (is_test(source, "plain"), False),
        (is_test(source, "on"), False),
        (is_test(program, "three"), True),
        (is_test(program, "four"), False),
        (list(problems("| a | done | | |", ROOT)), ["a: done without a test"]),
        (list(problems("| a | no | | |", ROOT)), ["a: no without a reason"]),
        (list(problems("| a | no | | because |", ROOT)), []),
        (list(problems("| a | yes | | |", ROOT)), ["a: 'yes' is none of done, partly, no"]),
        (list(problems("| a | done | `x/y.rs::z` | |", ROOT)), ["a: there is no x/y.rs"]),
        (list(uncovered("| a b | no | | x |", ["a c"])), []),
        (list(uncovered("| a b | no | | x |", ["b"])), ["row 1 begins with a, the list with b"]),
    ]
    failed = [case for case in cases if case[0] != case[1]]
    for got, expected in failed:
        print(f"features self-test: expected {expected}, got {got}", file=sys.stderr)
    return 1 if failed else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    text = (ROOT / "docs/FEATURES.md").read_text()
    found = list(problems(text, ROOT))
    if arguments:
        with Path(arguments[0]).open(newline="") as listed:
            found += uncovered(text, [row["feature"] for row in csv.DictReader(listed, delimiter="\t", quoting=csv.QUOTE_NONE)])
    for problem in found:
        print(f"features: {problem}", file=sys.stderr)
    states = [row[1] for row in rows(text)]
    counts = ", ".join(f"{states.count(state)} {state}" for state in STATES)
    print(f"features: {len(states)} rows, {counts}; {len(found)} problems")
    return 1 if found or not states else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
