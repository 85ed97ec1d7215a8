//! JSON that stays bytes: it is read once, and only what changes is written anew.
//!
//! Telemetry travels encoded, and bodies of requests are text. Decoding them into values to scrub them would cost more
//! than everything else that happens to them. The reader knows just enough of JSON to tell names, texts, numbers and
//! nesting apart; it accepts more than JSON, for a body may have been cut off.

use std::borrow::Cow;
use std::collections::HashSet;

use super::clean::What;
use super::rules::{Rules, Source};
use super::text::is_card;
use super::visit::free;

/// What came of reading.
#[derive(Debug)]
pub(super) struct Outcome {
    /// What is left, if anything was taken out.
    pub(super) json: Option<Vec<u8>>,
    /// Whether it was JSON, as far as it went.
    pub(super) is_json: bool,
}

/// The body of a request: names are those of the wire.
pub(super) fn body(rules: &Rules, json: &[u8], source: Source) -> Outcome {
    Walk::new(rules, json, source).run(Role::Value(What::Body))
}

/// Any JSON: names are those of the application.
pub(super) fn any(rules: &Rules, json: &[u8], source: Source) -> Outcome {
    Walk::new(rules, json, source).run(Role::Value(What::Text))
}

/// The payload of an item with logs, metrics or streamed spans.
pub(super) fn batch(rules: &Rules, json: &[u8]) -> Outcome {
    Walk::new(rules, json, Source::User).run(Role::Batch)
}

/// One log, metric or streamed span.
pub(super) fn record(rules: &Rules, json: &[u8]) -> Outcome {
    Walk::new(rules, json, Source::User).run(Role::Record)
}

/// What is nested deeper is not read, and goes.
const DEEPEST: usize = 512;
/// Names shorter than this hold no secret themselves.
const SHORTEST_NAME: usize = 11;

/// What a value is to whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// `{"value": …, "type": …}`
    Attribute(What),
    /// Attributes by name.
    Attributes,
    /// The object around many records.
    Batch,
    /// The list of records.
    Records,
    /// A log, a metric, a streamed span or a link.
    Record,
    /// What a record says.
    Said,
    /// The type of an attribute.
    Type,
    /// What it seems.
    Value(What),
}

const SKIP: Role = Role::Value(What::Skip);

impl Role {
    /// What the field `name` of it is.
    fn field(self, rules: &Rules, name: &str) -> Self {
        match self {
            Self::Value(What::Skip) => SKIP,
            Self::Value(what) => Self::Value(rules.within(what, name)),
            Self::Batch if name == "items" => Self::Records,
            Self::Record => match name {
                "attributes" => Self::Attributes,
                "body" | "name" => Self::Said,
                "links" => Self::Records,
                _ => SKIP,
            },
            Self::Attributes => Self::Attribute(rules.named(name)),
            Self::Attribute(what) => match name {
                "value" => Self::Value(what),
                "type" => Self::Type,
                _ => SKIP,
            },
            Self::Said => Self::Value(What::Text),
            Self::Batch | Self::Records | Self::Type => SKIP,
        }
    }

    /// What an element of it is.
    fn element(self) -> Self {
        if self == Self::Records { Self::Record } else { self }
    }

    /// How a text in this role is read.
    fn what(self) -> What {
        match self {
            Self::Value(what) | Self::Attribute(what) => what,
            Self::Said => What::Text,
            _ => What::Skip,
        }
    }
}

/// An object or an array that is open.
#[derive(Debug)]
struct Level {
    is_object: bool,
    /// Where its first member stands.
    start: usize,
    /// Its names, once one of them had to change: it must not become the same as another.
    taken: Option<HashSet<String>>,
    /// The next text is a name.
    awaits_name: bool,
    role: Role,
    /// Of the value that comes next.
    next: Role,
    /// Where the name of that stands.
    name: (usize, usize),
    /// The value of the attribute has become a text.
    is_retyped: bool,
    /// Where its type stands, if it came first.
    ty: Option<(usize, usize)>,
}

struct Walk<'a> {
    rules: &'a Rules,
    input: &'a [u8],
    source: Source,
    out: Vec<u8>,
    /// How far the input is in the output.
    copied: usize,
    levels: Vec<Level>,
    root: Role,
    is_json: bool,
}

impl<'a> Walk<'a> {
    fn new(rules: &'a Rules, input: &'a [u8], source: Source) -> Self {
        Self {
            rules,
            input,
            source,
            out: Vec::new(),
            copied: 0,
            levels: Vec::new(),
            root: SKIP,
            is_json: true,
        }
    }

    fn run(mut self, root: Role) -> Outcome {
        self.root = root;
        let mut at = 0;
        while let Some(&byte) = self.input.get(at) {
            at = match byte {
                b'"' => self.text(at),
                b'{' | b'[' => {
                    if self.levels.len() == DEEPEST {
                        let end = end_of_value(self.input, at);
                        self.replace((at, end), "\"[Filtered]\"");
                        end
                    } else {
                        self.open(at);
                        at + 1
                    }
                }
                b'}' | b']' => {
                    self.is_json &= self.levels.pop().is_some_and(|level| level.is_object == (byte == b'}'));
                    at + 1
                }
                b',' => {
                    if let Some(level) = self.levels.last_mut() {
                        level.awaits_name = level.is_object;
                    }
                    at + 1
                }
                b':' | b' ' | b'\t' | b'\r' | b'\n' => at + 1,
                _ => self.scalar(at),
            };
        }
        let json = (self.copied > 0).then(|| {
            self.out.extend_from_slice(&self.input[self.copied..]);
            self.out
        });
        Outcome { json, is_json: self.is_json }
    }

    /// The role of the value that begins here.
    fn role(&self) -> Role {
        match self.levels.last() {
            Some(level) if level.is_object => level.next,
            Some(level) => level.role.element(),
            None => self.root,
        }
    }

    fn open(&mut self, at: usize) {
        let role = self.role();
        if role == Role::Record && self.rules.hides_personal(Source::Automatic) {
            self.source = source_of(&self.input[at..end_of_value(self.input, at)]);
        }
        let is_object = self.input[at] == b'{';
        self.levels.push(Level {
            is_object,
            start: at + 1,
            taken: None,
            awaits_name: is_object,
            role,
            next: SKIP,
            name: (at, at),
            is_retyped: false,
            ty: None,
        });
    }

    /// A name or a text. Returns where it ends.
    fn text(&mut self, at: usize) -> usize {
        let start = at + 1;
        let mut end = start;
        let mut is_escaped = false;
        loop {
            match memchr::memchr2(b'"', b'\\', &self.input[end..]) {
                Some(length) if self.input[end + length] == b'"' => {
                    end += length;
                    break;
                }
                Some(length) => {
                    is_escaped = true;
                    end = (end + length + 2).min(self.input.len());
                }
                // Cut off.
                None => {
                    end = self.input.len();
                    break;
                }
            }
        }
        let next = (end + 1).min(self.input.len());
        if self.levels.last().is_some_and(|level| level.awaits_name) {
            self.name((start, end), is_escaped);
        } else {
            self.value((start, end), is_escaped);
        }
        next
    }

    fn name(&mut self, (start, end): (usize, usize), is_escaped: bool) {
        let name = unescaped(&self.input[start..end], is_escaped);
        let Some(level) = self.levels.last_mut() else { return };
        level.awaits_name = false;
        level.next = level.role.field(self.rules, &name);
        if level.role.what() == What::Skip && level.role != Role::Attributes {
            return;
        }
        level.name = (start, end);
        let is_attribute = matches!(level.role, Role::Attribute(_));
        if name.len() >= SHORTEST_NAME
            && !is_attribute
            && let Some(clean) = self.rules.clean_name(&name, self.source)
        {
            let members = &self.input[level.start..];
            let taken = level.taken.get_or_insert_with(|| names_of(members));
            let clean = free(clean, |name| taken.contains(name));
            let written = escaped(&clean).into_owned();
            taken.insert(clean);
            self.replace((start, end), &written);
        }
    }

    fn value(&mut self, (start, end): (usize, usize), is_escaped: bool) {
        let role = self.role();
        if role == Role::Type {
            if let Some(level) = self.levels.last_mut() {
                level.ty = Some((start, end));
                if level.is_retyped {
                    self.replace((start, end), "string");
                }
            }
            return;
        }
        let what = role.what();
        if what == What::Skip || start == end {
            return;
        }
        // The text of a body is read as such only where it is all of it.
        let what = if what == What::Body { What::Text } else { what };
        let text = unescaped(&self.input[start..end], is_escaped);
        let name = self.name_of_value();
        let name = std::str::from_utf8(&self.input[name.0..name.1]).unwrap_or_default();
        let source = if role == Role::Said { Source::Automatic } else { of_attribute(name, self.source) };
        if let Some(cleaned) = self.rules.clean(name, &text, what, source) {
            self.replace((start, end), &escaped(&cleaned.text));
        }
    }

    /// The name of the value; of an attribute its own.
    fn name_of_value(&self) -> (usize, usize) {
        let mut levels = self.levels.iter().rev();
        let of_attribute = |level: &&Level| !matches!(level.role, Role::Attribute(_)) && level.is_object;
        levels.find(of_attribute).map_or((0, 0), |level| level.name)
    }

    /// A number or a word. Returns where it ends.
    fn scalar(&mut self, at: usize) -> usize {
        let ends = |byte: &u8| {
            matches!(byte, b',' | b'}' | b']' | b':' | b'"' | b'{' | b'[') || byte.is_ascii_whitespace()
        };
        let rest = &self.input[at..];
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        let word = &rest[..length];
        let end = at + length;
        let Some(first) = word.first() else {
            self.is_json = false;
            return at + 1;
        };
        let is_number = *first == b'-' || first.is_ascii_digit();
        let is_cut_off = end == self.input.len();
        let is_name = self.levels.last().is_some_and(|level| level.awaits_name);
        if !is_number {
            let is_word = |whole: &[u8]| whole == word || is_cut_off && whole.starts_with(word);
            self.is_json &= !is_name && (is_word(b"true") || is_word(b"false") || is_word(b"null"));
            return end;
        }
        self.is_json &= !is_name
            && word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let what = self.role().what();
        let is_found = match what {
            What::Skip => false,
            What::Secret => true,
            _ => {
                (14..=16).contains(&length)
                    && std::str::from_utf8(word).is_ok_and(|word| word.parse().is_ok_and(is_card))
            }
        };
        if is_found {
            if let Some(level) = self.levels.last_mut() {
                level.is_retyped = matches!(level.role, Role::Attribute(_));
                // Nothing behind it has been written so far: all else in an attribute stays.
                if let Some(ty) = level.ty.filter(|ty| level.is_retyped && ty.0 >= self.copied) {
                    self.replace(ty, "string");
                }
            }
            self.replace((at, end), "\"[Filtered]\"");
        }
        end
    }

    fn replace(&mut self, (start, end): (usize, usize), with: &str) {
        if self.out.capacity() == 0 {
            self.out.reserve(self.input.len() + 64);
        }
        self.out.extend_from_slice(&self.input[self.copied..start]);
        self.out.extend_from_slice(with.as_bytes());
        self.copied = end;
    }
}

/// The text between the quotes.
fn unescaped(text: &[u8], is_escaped: bool) -> Cow<'_, str> {
    if !is_escaped {
        return String::from_utf8_lossy(text);
    }
    let mut quoted = Vec::with_capacity(text.len() + 2);
    quoted.push(b'"');
    quoted.extend_from_slice(text);
    quoted.push(b'"');
    match serde_json::from_slice(&quoted) {
        Ok(text) => Cow::Owned(text),
        // Not JSON after all: as it is.
        Err(_) => String::from_utf8_lossy(text),
    }
}

/// The text as it stands between quotes.
fn escaped(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        return Cow::Borrowed(text);
    }
    // Writing text never fails.
    let quoted = serde_json::to_string(text).unwrap_or_default();
    Cow::Owned(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned())
}

/// The names in an object whose first member is at the start.
fn names_of(json: &[u8]) -> HashSet<String> {
    let mut names = HashSet::new();
    let (mut at, mut is_name) = (0, true);
    while let Some(&byte) = json.get(at) {
        let end = match byte {
            b'}' | b']' => break,
            b'"' | b'{' | b'[' => end_of_value(json, at),
            _ => at + 1,
        };
        match byte {
            b'"' if is_name => {
                let text = &json[at + 1..(end - 1).max(at + 1)];
                names.insert(unescaped(text, text.contains(&b'\\')).into_owned());
                is_name = false;
            }
            b',' => is_name = true,
            _ => {}
        }
        at = end;
    }
    names
}

/// Who wrote an attribute of a record: whoever has the record written, the user in it is the one that the application set.
pub(super) fn of_attribute(name: &str, record: Source) -> Source {
    if name.starts_with("user.") { Source::User } else { record }
}

/// Who wrote a record, by its attribute `sentry.origin`.
fn source_of(record: &[u8]) -> Source {
    /// The start of the attribute, up to its value.
    const LONGEST: usize = 48;
    let finder = |needle: &[u8], text: &[u8]| memchr::memmem::find(text, needle);
    let is_automatic = finder(b"\"sentry.origin\":{", record).is_some_and(|at| {
        let attribute = &record[at + 17..];
        finder(b"\"value\":\"auto.", &attribute[..attribute.len().min(LONGEST)]).is_some()
    });
    if is_automatic { Source::Automatic } else { Source::User }
}

/// Where the text, object or array that begins at `at` ends.
fn end_of_value(json: &[u8], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut pos = at;
    while let Some(&byte) = json.get(pos) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return pos + 1;
                }
            }
            b'"' => {
                let mut end = pos + 1;
                while let Some(length) = memchr::memchr2(b'"', b'\\', json.get(end..).unwrap_or_default()) {
                    end += length;
                    if json[end] == b'"' {
                        break;
                    }
                    end += 2;
                }
                if depth == 0 {
                    return json.len().min(end + 1);
                }
                pos = end;
            }
            _ => {}
        }
        pos += 1;
    }
    json.len()
}
