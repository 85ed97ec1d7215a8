//! What few events have.

use std::borrow::Cow;

use crate::lean::context::{map, slice, slice_size};
use crate::lean::exception::LeanException;
use crate::lean::gist::{Gist, Outermost};
use crate::lean::known::{Share, Sharing};
use crate::lean::pairs::Pairs;
use crate::protocol::{
    Breadcrumb, DebugMeta, Event, Exception, LogEntry, Map, Request, Stacktrace, TemplateInfo, Thread, User,
    Value, Values,
};
use crate::size::{self, Estimate, chunk};

/// One field of an event.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Breadcrumbs(Box<[Breadcrumb]>),
    Culprit(Box<str>),
    DebugMeta(Share<DebugMeta>),
    DebugMetaOfProgram(&'static DebugMeta),
    Exceptions(Box<[LeanException]>),
    Extra(Box<[(Box<str>, Value)]>),
    Fingerprint(Box<[Cow<'static, str>]>),
    LogEntry(Box<LogEntry>),
    Logger(Box<str>),
    #[expect(clippy::box_collection, reason = "as the event holds it: it is moved, not made")]
    Meta(Box<Map<String, Value>>),
    Modules(Box<Pairs>),
    Request(Box<Request>),
    Stacktrace(Box<Stacktrace>),
    Template(Box<TemplateInfo>),
    Threads(Box<[Thread]>),
    Transaction(Box<str>),
    User(Box<User>),
}

impl Part {
    pub(super) fn fingerprint(parts: Cow<'static, [Cow<'static, str>]>) -> Option<Self> {
        (*parts != *Event::DEFAULT_FINGERPRINT).then(|| Self::Fingerprint(parts.into()))
    }

    pub(super) fn modules(modules: Map<String, String>) -> Option<Self> {
        (!modules.is_empty()).then(|| Self::Modules(Box::new(modules.into())))
    }

    pub(super) fn breadcrumbs(breadcrumbs: Values<Breadcrumb>) -> Option<Self> {
        (!breadcrumbs.is_empty()).then(|| Self::Breadcrumbs(breadcrumbs.values.into()))
    }

    pub(super) fn exceptions(exceptions: Values<Exception>) -> Option<Self> {
        let is_empty = exceptions.is_empty();
        (!is_empty).then(|| Self::Exceptions(exceptions.into_iter().map(LeanException::from).collect()))
    }

    pub(super) fn threads(threads: Values<Thread>) -> Option<Self> {
        (!threads.is_empty()).then(|| Self::Threads(threads.values.into()))
    }

    pub(super) fn extra(extra: Map<String, Value>) -> Option<Self> {
        (!extra.is_empty()).then(|| Self::Extra(slice(extra)))
    }

    /// Whoever adds the images adds the same ones to every event.
    pub(super) fn debug_meta(meta: Cow<'static, DebugMeta>, sharing: &mut Sharing<'_>) -> Option<Self> {
        (!meta.is_empty()).then(|| match meta {
            Cow::Borrowed(meta) => Self::DebugMetaOfProgram(meta),
            Cow::Owned(meta) => Self::DebugMeta(sharing.images(meta)),
        })
    }

    pub(super) fn put_into(self, event: &mut Event<'static>) {
        match self {
            Self::Breadcrumbs(crumbs) => event.breadcrumbs = crumbs.into_vec().into(),
            Self::Culprit(text) => event.culprit = Some(text.into()),
            Self::DebugMeta(meta) => event.debug_meta = Cow::Owned(meta.into_inner()),
            Self::DebugMetaOfProgram(meta) => event.debug_meta = Cow::Borrowed(meta),
            Self::Exceptions(list) => event.exception = list.into_iter().map(Exception::from).collect(),
            Self::Extra(extra) => event.extra = map(extra),
            Self::Fingerprint(parts) => event.fingerprint = Cow::Owned(parts.into()),
            Self::LogEntry(entry) => event.logentry = Some(*entry),
            Self::Logger(text) => event.logger = Some(text.into()),
            Self::Meta(meta) => event.meta = Some(meta),
            Self::Modules(modules) => event.modules = (*modules).into(),
            Self::Request(request) => event.request = Some(*request),
            Self::Stacktrace(stacktrace) => event.stacktrace = Some(*stacktrace),
            Self::Template(template) => event.template = Some(*template),
            Self::Threads(threads) => event.threads = threads.into_vec().into(),
            Self::Transaction(text) => event.transaction = Some(text.into()),
            Self::User(user) => event.user = Some(*user),
        }
    }

    /// Adds what it has to say.
    pub(super) fn say_in<'a>(&'a self, gist: Gist<'a>) -> Gist<'a> {
        match self {
            Self::Logger(logger) => Gist { logger: Some(logger), ..gist },
            Self::LogEntry(entry) => Gist { text: Some(&entry.message), ..gist },
            Self::Fingerprint(fingerprint) => Gist { fingerprint, ..gist },
            Self::Exceptions(exceptions) => {
                let outermost = exceptions.last().map(|exception| Outermost {
                    ty: exception.ty(),
                    module: exception.module(),
                    frames: exception.frames(),
                });
                let is_unhandled = exceptions.iter().any(LeanException::is_unhandled);
                Gist { outermost, is_unhandled, ..gist }
            }
            _ => gist,
        }
    }

    /// The bytes it holds beside itself.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Culprit(text) | Self::Logger(text) | Self::Transaction(text) => chunk(text.len()),
            Self::Breadcrumbs(crumbs) => chunk(size_of_val(&**crumbs)) + size::of_breadcrumbs(crumbs),
            Self::DebugMeta(meta) => meta.size(|meta| 512 * meta.images.len()),
            Self::DebugMetaOfProgram(_) => 0,
            Self::Exceptions(list) => {
                chunk(size_of_val(&**list)) + list.iter().map(LeanException::size).sum::<usize>()
            }
            Self::Extra(extra) => slice_size(extra),
            Self::Fingerprint(parts) => {
                chunk(size_of_val(&**parts)) + parts.iter().map(|part| chunk(part.len())).sum::<usize>()
            }
            Self::LogEntry(entry) => {
                let mut estimate = Estimate::default();
                let params = size::sum_of_first(entry.params.iter(), |value| estimate.of(value));
                chunk(size_of::<LogEntry>())
                    + chunk(entry.message.len())
                    + entry.formatted.as_ref().map_or(0, |text| chunk(text.len()))
                    + params
            }
            Self::Meta(meta) => chunk(size_of::<Map<String, Value>>()) + Estimate::default().of_all(meta),
            Self::Modules(modules) => chunk(size_of::<Pairs>()) + modules.size(),
            Self::Request(request) => size::of_request(request),
            Self::Stacktrace(stacktrace) => chunk(size_of::<Stacktrace>()) + size::of_stacktrace(stacktrace),
            Self::Template(_) => 1_024,
            Self::Threads(threads) => {
                let stacks = threads.iter().filter_map(|thread| thread.stacktrace.as_ref());
                chunk(size_of_val(&**threads))
                    + 64 * threads.len()
                    + stacks.map(size::of_stacktrace).sum::<usize>()
            }
            Self::User(user) => {
                let texts = [&user.id, &user.email, &user.username].into_iter().flatten();
                chunk(size_of::<User>())
                    + texts.map(|text| chunk(text.len())).sum::<usize>()
                    + Estimate::default().of_all(&user.other)
            }
        }
    }
}
