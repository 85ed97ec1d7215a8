//! Exceptions, most of which have no stack trace and a mechanism that says little.

use crate::protocol::{Exception, Frame, Map, Mechanism, MechanismMeta, Stacktrace, ThreadId};
use crate::size::{self, Estimate, chunk};

/// A type, a message, and what else there is.
#[derive(Clone, Debug)]
pub(super) struct LeanException {
    ty: Box<str>,
    value: Option<Box<str>>,
    module: Option<Box<str>>,
    mechanism: Option<LeanMechanism>,
    stacktrace: Option<Box<Stacktrace>>,
    rare: Option<Box<Rare>>,
}

#[derive(Clone, Debug)]
struct Rare {
    raw_stacktrace: Option<Stacktrace>,
    thread_id: Option<ThreadId>,
}

#[derive(Clone, Debug)]
enum LeanMechanism {
    Link(Box<Link>),
    Full(Box<Mechanism>),
}

/// A mechanism that does no more than link an error to its cause.
#[derive(Clone, Debug)]
struct Link {
    ty: Box<str>,
    source: Option<Box<str>>,
    exception_id: Option<u64>,
    parent_id: Option<u64>,
    handled: Option<bool>,
    synthetic: Option<bool>,
    is_exception_group: Option<bool>,
}

impl LeanException {
    pub(super) fn ty(&self) -> &str {
        &self.ty
    }

    pub(super) fn module(&self) -> Option<&str> {
        self.module.as_deref()
    }

    pub(super) fn frames(&self) -> &[Frame] {
        self.stacktrace.as_ref().map_or(&[], |stacktrace| &stacktrace.frames)
    }

    pub(super) fn is_unhandled(&self) -> bool {
        let handled = match &self.mechanism {
            Some(LeanMechanism::Link(link)) => link.handled,
            Some(LeanMechanism::Full(mechanism)) => mechanism.handled,
            None => None,
        };
        handled == Some(false)
    }

    /// The bytes it holds beside itself.
    pub(super) fn size(&self) -> usize {
        let text = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| chunk(text.len()));
        let stack = |stacktrace: &Stacktrace| size::of_stacktrace(stacktrace);
        let stacktrace =
            self.stacktrace.as_deref().map_or(0, |inner| chunk(size_of::<Stacktrace>()) + stack(inner));
        let rare = self
            .rare
            .as_ref()
            .map_or(0, |rare| chunk(size_of::<Rare>()) + rare.raw_stacktrace.as_ref().map_or(0, stack));
        let mechanism = match &self.mechanism {
            None => 0,
            Some(LeanMechanism::Link(link)) => {
                chunk(size_of::<Link>()) + chunk(link.ty.len()) + text(&link.source)
            }
            Some(LeanMechanism::Full(mechanism)) => {
                chunk(size_of::<Mechanism>()) + 128 + Estimate::default().of_all(&mechanism.data)
            }
        };
        chunk(self.ty.len()) + text(&self.value) + text(&self.module) + stacktrace + rare + mechanism
    }
}

impl From<Exception> for LeanException {
    fn from(exception: Exception) -> Self {
        let Exception { ty, value, module, stacktrace, raw_stacktrace, thread_id, mechanism } = exception;
        let has_rare = raw_stacktrace.is_some() || thread_id.is_some();
        Self {
            ty: ty.into(),
            value: value.map(Into::into),
            module: module.map(Into::into),
            mechanism: mechanism.map(Into::into),
            stacktrace: stacktrace.map(Box::new),
            rare: has_rare.then(|| Box::new(Rare { raw_stacktrace, thread_id })),
        }
    }
}

impl From<LeanException> for Exception {
    fn from(exception: LeanException) -> Self {
        let (raw_stacktrace, thread_id) = match exception.rare {
            Some(rare) => (rare.raw_stacktrace, rare.thread_id),
            None => (None, None),
        };
        Self {
            ty: exception.ty.into(),
            value: exception.value.map(Into::into),
            module: exception.module.map(Into::into),
            stacktrace: exception.stacktrace.map(|stacktrace| *stacktrace),
            raw_stacktrace,
            thread_id,
            mechanism: exception.mechanism.map(Into::into),
        }
    }
}

impl From<Mechanism> for LeanMechanism {
    fn from(mechanism: Mechanism) -> Self {
        let says_more = mechanism.description.is_some()
            || mechanism.help_link.is_some()
            || !mechanism.data.is_empty()
            || mechanism.meta != MechanismMeta::default();
        if says_more {
            return Self::Full(Box::new(mechanism));
        }
        let Mechanism { ty, source, exception_id, parent_id, handled, synthetic, is_exception_group, .. } =
            mechanism;
        Self::Link(Box::new(Link {
            ty: ty.into(),
            source: source.map(Into::into),
            exception_id,
            parent_id,
            handled,
            synthetic,
            is_exception_group,
        }))
    }
}

impl From<LeanMechanism> for Mechanism {
    fn from(mechanism: LeanMechanism) -> Self {
        let link = match mechanism {
            LeanMechanism::Full(mechanism) => return *mechanism,
            LeanMechanism::Link(link) => *link,
        };
        Self {
            ty: link.ty.into(),
            description: None,
            help_link: None,
            handled: link.handled,
            synthetic: link.synthetic,
            exception_id: link.exception_id,
            parent_id: link.parent_id,
            is_exception_group: link.is_exception_group,
            source: link.source.map(Into::into),
            data: Map::new(),
            meta: MechanismMeta::default(),
        }
    }
}
