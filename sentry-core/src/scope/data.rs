//! What one scope layer holds. Every part is shared, so a copy of the whole costs a handful of reference counts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::RefUnwindSafe;
use std::sync::Arc;

use crate::breadcrumbs::Ring;
use crate::protocol::{Attachment, Context, Event, FileAttachment, Level, LogAttribute, User, Value};
use crate::scope::flags::Flags;
use crate::scope::map::Map;
use crate::scope::request::Served;
use crate::session::Session;
use crate::trace::{TracePropagationContext, TransactionOrSpan};

/// A user's event processor.
pub(crate) type Processor = Arc<ProcessorFn>;

pub(crate) type ProcessorFn = dyn Fn(Event<'static>) -> Option<Event<'static>> + Send + Sync + RefUnwindSafe;

type List<T> = Option<Arc<Vec<Arc<T>>>>;

/// One layer: global, isolation or current.
#[derive(Clone, Default)]
pub(crate) struct ScopeData {
    /// `Scope::clear` was called here: nothing below shows through.
    pub(crate) opaque: bool,
    pub(crate) level: Layered<Level>,
    pub(crate) user: Layered<Arc<User>>,
    pub(crate) transaction: Layered<Arc<str>>,
    pub(crate) fingerprint: Layered<Arc<[Cow<'static, str>]>>,
    pub(crate) span: Layered<TransactionOrSpan>,
    pub(crate) propagation: Layered<Arc<TracePropagationContext>>,
    pub(crate) session: Layered<Arc<Session>>,
    pub(crate) request: Layered<Served>,
    pub(crate) tags: Map<String>,
    pub(crate) extra: Map<Value>,
    pub(crate) contexts: Map<Context>,
    pub(crate) attributes: Map<LogAttribute>,
    pub(crate) flags: Flags,
    pub(crate) breadcrumbs: Ring,
    pub(crate) breadcrumbs_opaque: bool,
    /// Each shared: a copy of the list copies no bytes.
    pub(crate) attachments: List<Attachment>,
    /// Those of them that go with transactions too.
    pub(crate) traced: List<Attachment>,
    /// Read when they are sent.
    pub(crate) files: List<FileAttachment>,
    pub(crate) attachments_opaque: bool,
    pub(crate) processors: List<ProcessorFn>,
}

/// A value of a layer: inherited from the layer below unless it was set, or unset, here.
#[derive(Clone, Debug, Default)]
pub(crate) enum Layered<T> {
    #[default]
    Inherited,
    Here(Option<T>),
}

impl<T> Layered<T> {
    /// The value that was set or unset here.
    pub(crate) fn is_here(&self) -> bool {
        matches!(self, Self::Here(_))
    }

    /// The value, unless it is unset here or inherited.
    pub(crate) fn value(&self) -> Option<&T> {
        match self {
            Self::Here(value) => value.as_ref(),
            Self::Inherited => None,
        }
    }

    fn replay(&mut self, mine: Self, changed: bool) {
        if changed {
            *self = mine;
        }
    }
}

/// Whether `mine` was set since it was cloned from `base`.
fn changed<T>(base: &Layered<T>, mine: &Layered<T>, same: impl FnOnce(&T, &T) -> bool) -> bool {
    match (base, mine) {
        (Layered::Inherited, Layered::Inherited) | (Layered::Here(None), Layered::Here(None)) => false,
        (Layered::Here(Some(base)), Layered::Here(Some(mine))) => !same(base, mine),
        _ => true,
    }
}

impl ScopeData {
    /// Repeats on `self` what `mine` changed since it was cloned from `base`.
    ///
    /// Only needed when two threads configured one shared scope at the same time; on a conflict `mine` wins.
    pub(crate) fn replay(&mut self, base: &Self, mine: Self) {
        if mine.opaque && !base.opaque {
            *self = mine;
            return;
        }
        let level = changed(&base.level, &mine.level, |a, b| a == b);
        let user = changed(&base.user, &mine.user, Arc::ptr_eq);
        let transaction = changed(&base.transaction, &mine.transaction, Arc::ptr_eq);
        let fingerprint = changed(&base.fingerprint, &mine.fingerprint, Arc::ptr_eq);
        let span = changed(&base.span, &mine.span, |a, b| a == b);
        let propagation = changed(&base.propagation, &mine.propagation, Arc::ptr_eq);
        let request = changed(&base.request, &mine.request, Served::same_as);
        let session = changed(&base.session, &mine.session, Arc::ptr_eq);
        if !base.breadcrumbs.same_as(&mine.breadcrumbs) || base.breadcrumbs_opaque != mine.breadcrumbs_opaque
        {
            self.breadcrumbs = mine.breadcrumbs;
            self.breadcrumbs_opaque = mine.breadcrumbs_opaque;
        }
        if !base.flags.same_as(&mine.flags) {
            self.flags = mine.flags;
        }
        if base.attachments_opaque == mine.attachments_opaque {
            replay_list(&mut self.attachments, &base.attachments, mine.attachments);
            replay_list(&mut self.traced, &base.traced, mine.traced);
            replay_list(&mut self.files, &base.files, mine.files);
        } else {
            self.attachments = mine.attachments;
            self.traced = mine.traced;
            self.files = mine.files;
            self.attachments_opaque = mine.attachments_opaque;
        }
        replay_list(&mut self.processors, &base.processors, mine.processors);
        self.level.replay(mine.level, level);
        self.user.replay(mine.user, user);
        self.transaction.replay(mine.transaction, transaction);
        self.fingerprint.replay(mine.fingerprint, fingerprint);
        self.span.replay(mine.span, span);
        self.propagation.replay(mine.propagation, propagation);
        self.session.replay(mine.session, session);
        self.request.replay(mine.request, request);
        self.tags.replay(&base.tags, &mine.tags);
        self.extra.replay(&base.extra, &mine.extra);
        self.contexts.replay(&base.contexts, &mine.contexts);
        self.attributes.replay(&base.attributes, &mine.attributes);
    }
}

/// Adds to `theirs` what was added to `mine`; if `mine` was emptied meanwhile, it wins.
fn replay_list<T: ?Sized>(theirs: &mut List<T>, base: &List<T>, mine: List<T>) {
    let before = base.as_ref().map_or(&[][..], |list| &**list);
    let after = mine.as_ref().map_or(&[][..], |list| &**list);
    let added = after.split_at_checked(before.len()).and_then(|(kept, added)| {
        kept.iter().zip(before).all(|(kept, old)| Arc::ptr_eq(kept, old)).then_some(added)
    });
    match added {
        Some([]) => {}
        Some(added) => Arc::make_mut(theirs.get_or_insert_default()).extend_from_slice(added),
        None => *theirs = mine,
    }
}

impl fmt::Debug for ScopeData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut tags, mut extra, mut contexts) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        self.tags.overlay(&mut tags);
        self.extra.overlay(&mut extra);
        self.contexts.overlay(&mut contexts);
        f.debug_struct("Scope")
            .field("level", &self.level)
            .field("transaction", &self.transaction)
            .field("tags", &tags)
            .field("extra", &extra.keys())
            .field("contexts", &contexts.keys())
            .field("span", &self.span)
            .field("event_processors", &self.processors.as_ref().map_or(0, |list| list.len()))
            .finish_non_exhaustive()
    }
}
