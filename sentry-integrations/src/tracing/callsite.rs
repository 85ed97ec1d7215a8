//! What is known of the events of a place in the code before the first one is written there.
//!
//! An event says the same things each time: where it is, and what its fields are called. All that is found out and encoded
//! once, and kept in a table that never forgets and has room for as many places as most applications have. The events of
//! others are looked at each time.

use std::ops::Deref;
use std::ptr;
use std::sync::OnceLock;

use tracing_core::{Field, Metadata};

use super::fields::ERRORS;
use super::log::{Key, Lasting};

/// A power of two.
const PLACES: usize = 1024;

/// The higher bits of a product are those that all of its factors have a share in.
const HASHED: u32 = 48;

/// So many places are looked at for one callsite.
const TRIES: usize = 8;

static TABLE: [OnceLock<Callsite>; PLACES] = [const { OnceLock::new() }; PLACES];

/// A place in the code that writes events.
pub(super) struct Callsite {
    pub(super) metadata: &'static Metadata<'static>,
    fields: Box<[Known]>,
    pub(super) log: Lasting,
}

/// What is known of a field.
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Whether whatever text it has is an error.
    pub(super) is_error: bool,
    /// What it is called in a log.
    #[cfg_attr(not(feature = "logs"), expect(dead_code, reason = "only logs have keys"))]
    pub(super) key: Key,
}

/// What a field is.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// The text of the event.
    Message,
    /// Any other.
    Plain,
    /// It sets a tag.
    Tag,
}

impl Callsite {
    /// That of an event.
    #[inline]
    pub(super) fn of(metadata: &'static Metadata<'static>) -> Found {
        Self::find(&TABLE, metadata)
    }

    #[inline]
    fn find<const N: usize>(
        table: &'static [OnceLock<Self>; N],
        metadata: &'static Metadata<'static>,
    ) -> Found {
        let hash = (ptr::from_ref(metadata).addr() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let first = (hash >> HASHED) as usize;
        match table[first % N].get() {
            Some(callsite) if callsite.is_of(metadata) => Found::Kept(callsite),
            _ => Self::look(table, metadata, first),
        }
    }

    #[cold]
    fn look(table: &'static [OnceLock<Self>], metadata: &'static Metadata<'static>, first: usize) -> Found {
        for at in first..first + TRIES {
            let callsite = table[at % table.len()].get_or_init(|| Self::new(metadata));
            if callsite.is_of(metadata) {
                return Found::Kept(callsite);
            }
        }
        Found::Own(Box::new(Self::new(metadata)))
    }

    fn new(metadata: &'static Metadata<'static>) -> Self {
        Self {
            metadata,
            fields: metadata.fields().iter().map(|field| Known::new(&field)).collect(),
            log: Lasting::new(metadata),
        }
    }

    fn is_of(&self, metadata: &'static Metadata<'static>) -> bool {
        ptr::eq(self.metadata, metadata)
    }

    /// What is known of a field. `None`: it is one of another callsite.
    #[inline]
    pub(super) fn known(&self, field: &Field) -> Option<&Known> {
        self.fields.get(field.index()).filter(|known| ptr::eq(known.name, field.name()))
    }
}

impl Known {
    pub(super) fn new(field: &Field) -> Self {
        let name = field.name();
        let (kind, key) = match name.strip_prefix("tags.") {
            Some(tag) => (Kind::Tag, tag),
            None if name == "message" => (Kind::Message, name),
            None => (Kind::Plain, name),
        };
        Self { name, kind, is_error: ERRORS.contains(&name), key: Key::new(field, key) }
    }
}

/// A callsite that was found in the table, or did not get a place there.
pub(super) enum Found {
    Kept(&'static Callsite),
    Own(Box<Callsite>),
}

impl Deref for Found {
    type Target = Callsite;

    #[inline]
    fn deref(&self) -> &Callsite {
        match self {
            Self::Kept(callsite) => callsite,
            Self::Own(callsite) => callsite,
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_core::{Kind as CallsiteKind, Level, metadata};

    use super::*;

    struct Nobody;

    impl tracing_core::Callsite for Nobody {
        fn set_interest(&self, _: tracing_core::subscriber::Interest) {}

        fn metadata(&self) -> &Metadata<'_> {
            &FIRST
        }
    }

    static NOBODY: Nobody = Nobody;

    macro_rules! callsite {
        ($name:ident) => {
            static $name: Metadata<'static> = metadata! {
                name: "test",
                target: stringify!($name),
                level: Level::INFO,
                fields: &["message", "tags.a", "error"],
                callsite: &NOBODY,
                kind: CallsiteKind::EVENT,
            };
        };
    }

    callsite!(FIRST);
    callsite!(SECOND);
    callsite!(THIRD);

    #[test]
    fn a_callsite_is_found_whether_or_not_there_is_room_for_it() {
        static SMALL: [OnceLock<Callsite>; 2] = [const { OnceLock::new() }; 2];
        for _ in 0..3 {
            for (metadata, is_kept) in [(&FIRST, true), (&SECOND, true), (&THIRD, false)] {
                let found = Callsite::find(&SMALL, metadata);
                assert!(ptr::eq(found.metadata, metadata));
                assert_eq!(matches!(found, Found::Kept(_)), is_kept, "{metadata:?}");
            }
        }
    }

    #[test]
    fn it_is_known_what_the_fields_are() {
        let callsite = Callsite::of(&FIRST);
        let kinds = callsite.fields.iter().map(|known| (known.kind, known.is_error));
        assert!(kinds.eq([(Kind::Message, false), (Kind::Tag, false), (Kind::Plain, true)]));
        let known = |metadata: &'static Metadata<'static>, name: &str| {
            let field = metadata.fields().field(name)?;
            Some(callsite.known(&field)?.name)
        };
        assert_eq!(known(&FIRST, "error"), Some("error"));
        static OTHER: Metadata<'static> = metadata! {
            name: "test",
            target: "other",
            level: Level::INFO,
            fields: &["error", "a", "b", "c"],
            callsite: &NOBODY,
            kind: CallsiteKind::EVENT,
        };
        assert_eq!(known(&OTHER, "error"), None, "that is another field");
        assert_eq!(known(&OTHER, "c"), None);
    }
}
