#!/usr/bin/env python3
"""Which names of the published API does `tests/api/` not use yet?

Reads the inventory of public names (section 1.5 of `api.md`), resolves every path in the code of `tests/api/`, and lists
the names that no code there uses, with the reason where there is one.

    python3 .ci/api_names.py [API.MD]        default ../shared/api.md; without that file nothing is checked
    python3 .ci/api_names.py --self-test     proves that names in comments, strings and other types do not count

A name counts as used only in code, by its full path: `use` declarations are expanded, so `Event::new` counts for
`sentry::protocol::Event::new` in a file that imports that very `Event`, and `.new()` counts for nothing. A field counts
in a literal or pattern of its type, `Event { level, .. }`. The compiler does the rest: what a path in `tests/api/` names
exists, or the tests do not build.

Exit codes: 0 every name is used or absent for a reason, 1 a name is missing, or a reason is given for what is not missing.
"""

import contextlib
import io
import re
import sys
from collections import Counter, namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What is not there, and why: the first pattern that is found in the full path decides. One that finds nothing has to go.
ABSENT = [
    (r"^sentry::integrations::minidump", "crashes are reported in process, with their stack: there is no second one to watch"),
]

Name = namedtuple("Name", "module path")


# The inventory.


def inventory(text):
    """Every name of section 1.5, in order."""
    section = text.split("\n### 1.5 ", 1)[1].split("\n## 2", 1)[0]
    names = []
    for module, block in re.findall(r"#### `([\w:]+)`\n```text\n(.*?)```", section, re.S):
        names += [Name(module, f"{module}::{name}") for name in names_of(block)]
    return list(dict.fromkeys(names))


def names_of(block):
    """The names of one module: `Type`, `Type::method`, `Type.field`, `Enum::Variant.field`."""
    owner, kind = None, None
    for line in joined(block):
        code = line.split("//")[0].strip()
        if not code:
            continue
        if code.startswith("pub use:"):
            yield from re.findall(r"(\w+)(?=\s*(?:,|\)|$))", re.sub(r"\S+::\*|\(glob\)", "", code[len("pub use:"):]))
        elif line.startswith("  {"):
            for member in code.strip("{} ").split("; "):
                name = re.match(r"[\w.]+", member).group()
                yield f"{owner}{'::' if kind == 'enum' else '.'}{name}"
        else:
            kind_here, name = re.match(r"(fn|macro|type|const|struct|enum|trait) (\w+)", code).groups()
            if line.startswith("  "):
                yield f"{owner}::{name}"
            else:
                owner, kind = name, kind_here
                yield name


def joined(block):
    """The lines of a block, the fields of a type on one line."""
    fields = None
    for line in block.splitlines():
        if fields is not None or line.startswith("  {"):
            fields = line if fields is None else f"{fields} {line.strip()}"
            if line.rstrip().endswith("}"):
                yield fields
                fields = None
        else:
            yield line


# The code.


def used_names(source):
    """The full paths that a source file uses in code, fields as `Type.field`."""
    code = without_turbofish(without_text(source))
    imports = {}
    for tree in re.findall(r"\buse\s+([^;]+);", code):
        for alias, path in expanded(re.sub(r"\s+", " ", tree.strip())):
            imports.setdefault(alias, set()).add(path)
    code = re.sub(r"\buse\s+[^;]+;", "", code)
    used = {path for paths in imports.values() for path in paths}
    for match in re.finditer(r"(?<![\w.])(?<!::)\w+(?:\s*::\s*\w+)*", code):
        segments = re.split(r"\s*::\s*", match.group())
        for start in imports.get(segments[0], {segments[0]}):
            path = "::".join([start, *segments[1:]])
            used.update(prefixes(path))
            if not re.search(r"(\bimpl|\bfor|\bmatch|\bin|->)\s*$", code[:match.start()]):
                used.update(f"{path}.{field}" for field in fields_after(code, match.end()))
    return {path for path in used if path.startswith("sentry")}


def without_text(source):
    """The source without comments and the contents of strings."""
    pattern = r'//[^\n]*|/\*.*?\*/|r(#*)".*?"\1|"(?:\\.|[^"\\])*"'
    return re.sub(pattern, lambda m: '""' if '"' in m.group()[:3] else " ", source, flags=re.S).replace("r#", "")


def without_turbofish(code):
    """Generic arguments removed from `Type::<..>::name` and `Type<..> {`; `<Type as Trait>::name` is `Trait::name`."""
    code = re.sub(r"<[^<>]*\bas ([\w:]+)>", r"\1", code)
    while "::<" in code:
        start = code.index("::<")
        code = code[:start] + code[closing(code, start + 2, "<>"):]
    return re.sub(r"(\w)<[^<>;{}()]*>(?=\s*\{)", r"\1", code)


def closing(code, start, pair):
    depth = 0
    for index in range(start, len(code)):
        depth += (code[index] == pair[0]) - (code[index] == pair[1] and code[index - 1] not in "-=")
        if depth == 0:
            return index + 1
    return len(code)


def expanded(tree):
    """`a::{b, c as d}` as pairs of the name in the file and the full path."""
    head, brace, rest = tree.partition("{")
    if brace:
        for branch in split(rest[: rest.rindex("}")]):
            for alias, path in expanded(branch):
                yield (head.strip(": ").split("::")[-1], head.strip(": ")) if path == "self" else (alias, head + path)
    else:
        path, _, alias = tree.strip().partition(" as ")
        yield alias or path.split("::")[-1], path


def split(text):
    """Splits at the commas that are in no braces, brackets or parentheses."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "{[(") - (char in "}])")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts if part.strip()]


def prefixes(path):
    segments = path.split("::")
    return ("::".join(segments[:length]) for length in range(1, len(segments) + 1))


def fields_after(code, end):
    """The fields named in the braces of a literal or a pattern that begins at `end`."""
    if not re.match(r"\s*\{", code[end:]):
        return
    start = code.index("{", end)
    for part in split(code[start + 1 : closing(code, start, "{}") - 1]):
        field = re.match(r"(?:ref\s+|mut\s+)?(\w+)\s*(?::(?!:)|$)", part)
        if field:
            yield field.group(1)


# The answer.


def report(names, used, absent=None):
    reasons = ABSENT if absent is None else absent
    left = [name for name in names if name.path not in used]
    by_reason = {}
    for name in left:
        reason = next((reason for pattern, reason in reasons if re.search(pattern, name.path)), None)
        by_reason.setdefault(reason, []).append(name)
    missing = by_reason.pop(None, [])
    stale = [pattern for pattern, reason in reasons if reason not in by_reason]
    for reason, names_of_reason in by_reason.items():
        print(f"\nabsent: {len(names_of_reason)} names: {reason}")
        for name in names_of_reason:
            print(f"  {name.path}")
    total, unused = Counter(name.module for name in names), Counter(name.module for name in left)
    print(f"\n{'module':<40}{'names':>7}{'used':>7}{'left':>7}")
    for module in total:
        print(f"{module:<40}{total[module]:>7}{total[module] - unused[module]:>7}{unused[module]:>7}")
    print(f"{'all':<40}{len(names):>7}{len(names) - len(left):>7}{len(left):>7}")
    for name in missing:
        print(f"missing: {name.path}")
    for pattern in stale:
        print(f"nothing is absent that matches {pattern}")
    print(f"\nmissing: {len(missing)}, absent for a reason: {len(left) - len(missing)}")
    return 1 if missing or stale else 0


def self_test():
    names = inventory(
        "\n### 1.5 Items\n#### `sentry::a`\n```text\npub use: x::* (glob), Own, y::* (One, Two)\nfn free(u8)\nmacro loud!\n"
        "struct Plain(_)   // Clone\n  { one: u8;\n    two: Map<u8, u8> }\n  fn new() -> Self\n"
        "enum Kind #[non_exhaustive]\n  { First; Second; Second.value: u8 }\n  const MAX: u8\n```\n## 2 Rest"
    )
    source = """
        // sentry::a::Commented
        use sentry::a::{Plain, self, inner::{Deep as Renamed}};
        const _: &str = "sentry::a::Quoted";
        fn f() { let Plain { one, r#two: _, .. } = Plain::<fn() -> u8>::new(); a::free(1); other.method();
                 sentry::a::loud!(); match kind { a::Kind::Second { value } => {} } Renamed::deep(); Other::new();
                 <u8 as a::Kind>::MAX; }
        impl Trait for Plain { three: u8 }
    """
    used = used_names(source)
    listed = [name.path.removeprefix("sentry::a::") for name in names]
    checks = {
        "inventory": listed == ["Own", "One", "Two", "free", "loud", "Plain", "Plain.one", "Plain.two", "Plain::new", "Kind",
                                "Kind::First", "Kind::Second", "Kind::Second.value", "Kind::MAX"],
        "used": all(f"sentry::a::{name}" in used for name in
                    ["Plain", "Plain.one", "Plain.two", "Plain::new", "free", "loud", "Kind", "Kind::Second",
                     "Kind::Second.value", "Kind::MAX", "inner::Deep", "inner::Deep::deep"]),
        "not used": not any(f"sentry::a::{name}" in used for name in
                            ["Commented", "Quoted", "Kind::First", "Plain.three", "method", "Other::new"]),
    }
    some, other = Name("sentry::a", "sentry::a::One"), Name("sentry::a", "sentry::a::Two")
    reason = [("::Two$", "a reason")]
    with contextlib.redirect_stdout(io.StringIO()):
        checks["all there"] = report([some, other], {some.path, other.path}, []) == 0
        checks["missing"] = report([some, other], {other.path}, []) == 1
        checks["absent for a reason"] = report([some, other], {some.path}, reason) == 0
        checks["missing beside a reason"] = report([some, other], set(), reason) == 1
        checks["a reason too many"] = report([some, other], {some.path, other.path}, reason) == 1
    for name, passed in checks.items():
        print(f"api names self-test: {name}: {'ok' if passed else f'FAILED {listed} {sorted(used)}'}")
    return 0 if all(checks.values()) else 1


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    api = Path(arguments[0]) if arguments else ROOT / "../shared/api.md"
    if not api.is_file():
        print(f"api names: {api} is not here, nothing was checked")
        return 0
    files = sorted((ROOT / "tests/api").rglob("*.rs"))
    used = set().union(*(used_names(file.read_text()) for file in files))
    return report(inventory(api.read_text()), used)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
