//! A breadcrumb as an integration writes it that makes many of them: nearly all are pushed out by later ones and never sent.
//!
//! So it is kept in parts, in the memory of one that was pushed out, and only put together where somebody looks at it.

use std::cell::Cell;
use std::fmt::{Arguments, Write as _};
use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Kept;
use crate::protocol::{Breadcrumb, Level, Map, Value};
use crate::{client, clock};

/// Room for texts that is kept for the next breadcrumb.
const ROOM: usize = 1024;
/// And for so many fields.
const FIELDS: usize = 64;

thread_local! {
    static SPARE: Cell<Option<Box<Parts>>> = const { Cell::new(None) };
}

/// A breadcrumb in parts.
#[derive(Debug)]
pub struct Brief(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    timestamp: SystemTime,
    category: &'static str,
    ty: &'static str,
    level: Level,
    message: Option<Range<usize>>,
    data: Vec<(&'static str, Part)>,
    /// All texts, side by side.
    texts: String,
}

#[derive(Clone, Debug)]
enum Part {
    Scalar(Scalar),
    Text(Range<usize>),
}

/// A number or a truth value.
#[derive(Clone, Copy, Debug)]
pub enum Scalar {
    /// A truth value.
    Boolean(bool),
    /// A number.
    Double(f64),
    /// A whole number.
    Integer(i64),
    /// A whole number that may be greater than the others.
    Unsigned(u64),
}

impl From<Scalar> for Value {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Boolean(value) => value.into(),
            Scalar::Double(value) => value.into(),
            Scalar::Integer(value) => value.into(),
            Scalar::Unsigned(value) => value.into(),
        }
    }
}

impl Brief {
    /// A breadcrumb without a text or data.
    #[inline]
    #[must_use]
    pub fn new(category: &'static str, level: Level) -> Self {
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        let mut parts = spare.unwrap_or_else(Parts::empty);
        (parts.category, parts.level) = (category, level);
        Self(parts)
    }

    /// It tells of an error.
    pub fn note_error(&mut self) {
        self.0.ty = "error";
    }

    /// What happened.
    pub fn message(&mut self, text: &str) {
        self.0.message = Some(self.0.push(text));
    }

    /// The same, written here. Returns it as it was written.
    pub fn write_message(&mut self, text: Arguments<'_>) -> &str {
        let written = self.0.write(text);
        self.0.message = Some(written.clone());
        self.0.text(&written)
    }

    /// More about it; the last one with a name counts.
    pub fn text(&mut self, name: &'static str, text: &str) {
        let text = self.0.push(text);
        self.0.data.push((name, Part::Text(text)));
    }

    /// The same, written here. Returns it as it was written.
    pub fn write_text(&mut self, name: &'static str, text: Arguments<'_>) -> &str {
        let written = self.0.write(text);
        self.0.data.push((name, Part::Text(written.clone())));
        self.0.text(&written)
    }

    /// The same without a text.
    pub fn scalar(&mut self, name: &'static str, value: Scalar) {
        self.0.data.push((name, Part::Scalar(value)));
    }

    /// Adds it to the current hub, at this moment.
    pub fn add(self) {
        if client::any_live() {
            Kept::add(Some(Kept::Brief(self.at(clock::now()))));
        }
    }

    /// When it happened.
    #[inline]
    pub(crate) fn at(mut self, time: SystemTime) -> Self {
        self.0.timestamp = time;
        self
    }

    /// Keeps the memory of one that is gone for the next one of this thread.
    #[inline]
    pub(crate) fn reuse(gone: &mut Option<Kept>) {
        if let Some(Kept::Brief(_)) = gone
            && let Some(Kept::Brief(Self(mut parts))) = gone.take()
        {
            parts.clear();
            let _ = SPARE.try_with(|spare| spare.set(Some(parts)));
        }
    }

    /// What it says.
    pub(super) fn to_breadcrumb(&self) -> Breadcrumb {
        let parts = &*self.0;
        let value = |part: &Part| match part {
            Part::Scalar(scalar) => Value::from(*scalar),
            Part::Text(at) => parts.text(at).into(),
        };
        let mut data = Map::new();
        data.extend(parts.data.iter().map(|(name, part)| ((*name).to_owned(), value(part))));
        Breadcrumb {
            timestamp: parts.timestamp,
            ty: parts.ty.to_owned(),
            category: Some(parts.category.to_owned()),
            level: parts.level,
            message: parts.message.as_ref().map(|at| parts.text(at).to_owned()),
            data,
        }
    }
}

impl Parts {
    #[cold]
    fn empty() -> Box<Self> {
        Box::new(Self {
            timestamp: UNIX_EPOCH,
            category: "",
            ty: TYPE,
            level: Level::Info,
            message: None,
            data: Vec::new(),
            texts: String::new(),
        })
    }

    /// Forgets what it says.
    #[inline]
    fn clear(&mut self) {
        self.ty = TYPE;
        self.message = None;
        self.data.clear();
        self.texts.clear();
        if self.texts.capacity() > ROOM {
            self.texts = String::new();
        }
        if self.data.capacity() > FIELDS {
            self.data = Vec::new();
        }
    }

    #[inline]
    fn push(&mut self, text: &str) -> Range<usize> {
        let start = self.texts.len();
        self.texts.push_str(text);
        start..self.texts.len()
    }

    #[inline]
    fn write(&mut self, text: Arguments<'_>) -> Range<usize> {
        let start = self.texts.len();
        // Into memory: only the code of the application fails, and then what is there is there.
        let _ = self.texts.write_fmt(text);
        start..self.texts.len()
    }

    fn text(&self, at: &Range<usize>) -> &str {
        self.texts.get(at.clone()).unwrap_or_default()
    }
}

/// What kind it is, unless it tells of an error.
const TYPE: &str = "log";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_says_what_was_written_and_nothing_of_the_one_before() {
        let mut brief = Brief::new("first", Level::Warning);
        brief.note_error();
        assert_eq!(brief.write_message(format_args!("{}", 7)), "7");
        brief.text("text", "ü");
        assert_eq!(brief.write_text("written", format_args!("{:?}", "x")), "\"x\"");
        brief.scalar("text", Scalar::Double(0.1));
        let breadcrumb = brief.to_breadcrumb();
        assert_eq!((breadcrumb.ty.as_str(), breadcrumb.message.as_deref()), ("error", Some("7")));
        assert_eq!((breadcrumb.category.as_deref(), breadcrumb.level), (Some("first"), Level::Warning));
        assert_eq!(json!(breadcrumb.data), json!({"text": 0.1, "written": "\"x\""}));
        let memory = std::ptr::from_ref(&*brief.0);
        Brief::reuse(&mut Some(Kept::Brief(brief)));
        let mut brief = Brief::new("second", Level::Info);
        assert_eq!(std::ptr::from_ref(&*brief.0), memory);
        brief.message("a");
        brief.scalar("u", Scalar::Unsigned(u64::MAX));
        brief.scalar("nan", Scalar::Double(f64::NAN));
        let breadcrumb = brief.to_breadcrumb();
        assert_eq!((breadcrumb.ty.as_str(), breadcrumb.message.as_deref()), ("log", Some("a")));
        assert_eq!(json!(breadcrumb.data), json!({"u": u64::MAX, "nan": null}));
    }

    #[test]
    fn what_was_large_once_is_not_kept() {
        let mut brief = Brief::new("", Level::Info);
        brief.text("x", &"x".repeat(ROOM + 1));
        Brief::reuse(&mut Some(Kept::Brief(brief)));
        assert!(Brief::new("", Level::Info).0.texts.capacity() <= ROOM);
    }
}
