//! Scopes: the data that goes with whatever is captured.
//!
//! ```text
//! event   <- what was captured wins
//! current <- entries pushed on a hub's stack (`with_scope`)
//! isolation <- the hub's base scope: a request, a job, a user session
//! global  <- the process
//! ```
//!
//! Each layer is a copy-on-write snapshot. A capture takes three reference counts and leaves; the layers are laid
//! over each other where the event is completed. A pushed scope is an empty layer over the isolation scope, so what is
//! set in it costs the same however much lies below.

mod apply;
mod data;
mod flags;
mod global;
mod guard;
mod key;
mod map;
mod request;
mod snapshot;
mod view;

use std::borrow::Cow;
use std::panic::RefUnwindSafe;
use std::sync::Arc;

use crate::breadcrumbs::Fresh;
use crate::nesting;
use crate::options::DataCollection;
use crate::protocol::{
    Attachment, Context, Event, FileAttachment, Level, LogAttribute, Request, SpanId, User, Value,
};
#[cfg(feature = "release-health")]
use crate::session::Session;
use crate::trace::{TraceHeader, TracePropagationContext, TransactionOrSpan};

pub(crate) use self::data::{Layered, Processor, ScopeData};
pub use self::global::configure_global_scope;
#[cfg(any(feature = "logs", feature = "metrics"))]
pub(crate) use self::global::layer as global_layer;
pub(crate) use self::global::{hold, is_free as global_is_free};
pub use self::guard::ScopeGuard;
use self::map::Map;
pub(crate) use self::request::Served;
pub use self::snapshot::ScopeSnapshot;
pub(crate) use self::view::View;

/// The data of one scope layer, over the layer it was pushed on.
///
/// Cloning is cheap and takes a snapshot. Changes are made through [`configure_scope`](crate::configure_scope) and
/// [`with_scope`](crate::with_scope).
#[derive(Clone, Default)]
pub struct Scope {
    layer: Option<Arc<ScopeData>>,
    below: Option<Arc<ScopeData>>,
    kind: Kind,
    /// The span that stands in for the bound one, while somebody looks.
    ambient: Option<Arc<TransactionOrSpan>>,
}

/// Whose scope it is. As wide as a pointer: moving a scope that has just been written takes longer with anything narrower.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[repr(usize)]
enum Kind {
    /// Of the process: nothing lies below.
    Global,
    #[default]
    OfHub,
}

/// A scope before it was handed to somebody who may write to it.
pub(crate) struct Mark {
    layer: Option<Arc<ScopeData>>,
    /// The address of what is below. Somebody else keeps it.
    below: usize,
}

impl Mark {
    /// Whether anything was written to `scope` since, or another scope put in its place.
    #[inline]
    pub(crate) fn is_changed(&self, scope: &Scope) -> bool {
        !is_same(&self.layer, &scope.layer) || self.below != scope.below_address()
    }

    /// Repeats on `theirs` what `mine` changed.
    pub(crate) fn replay(&self, theirs: &mut Scope, mine: Scope) {
        theirs.replay_since(&self.layer, mine);
    }
}

#[inline]
fn is_same(a: &Option<Arc<ScopeData>>, b: &Option<Arc<ScopeData>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    }
}

impl Scope {
    fn global(layer: Option<Arc<ScopeData>>) -> Self {
        Self { layer, kind: Kind::Global, ..Self::default() }
    }

    fn is_global(&self) -> bool {
        self.kind == Kind::Global
    }

    /// A new layer to push on this one: empty over an isolation scope, a fork over another current scope.
    pub(crate) fn child(&self) -> Self {
        let mut child = Self::default();
        self.lend_to(&mut child);
        child
    }

    /// Makes an empty scope a [child](Self::child) of this one. In place: to move what was just written takes longer.
    #[inline]
    pub(crate) fn lend_to(&self, child: &mut Self) {
        match &self.below {
            Some(_) => *child = self.clone(),
            None => child.below = self.layer.clone(),
        }
    }

    /// What it is so far, to tell later whether it was [changed](Mark::is_changed).
    #[inline]
    pub(crate) fn mark(&self) -> Mark {
        Mark { layer: self.layer.clone(), below: self.below_address() }
    }

    #[inline]
    fn below_address(&self) -> usize {
        self.below.as_ref().map_or(0, |below| Arc::as_ptr(below).addr())
    }

    /// The three layers as they are now.
    #[inline]
    pub(crate) fn snapshot(&self) -> ScopeSnapshot {
        let (isolation, current) = match &self.below {
            Some(_) => (&self.below, self.layer.clone()),
            None => (&self.layer, None),
        };
        ScopeSnapshot::new(isolation.clone(), current, self.ambient.clone())
    }

    /// The same scope for code that is in a span.
    pub(crate) fn within(mut self, ambient: Option<Arc<TransactionOrSpan>>) -> Self {
        self.enter(ambient);
        self
    }

    /// Is for code that is in a span from now on.
    pub(crate) fn enter(&mut self, ambient: Option<Arc<TransactionOrSpan>>) {
        self.ambient = ambient;
    }

    /// Forgets that the code is in a span: the hub knows it.
    pub(crate) fn leave(&mut self) {
        self.ambient = None;
    }

    /// The span that the application has bound.
    pub(crate) fn bound_span(&self) -> Option<SpanId> {
        for data in [self.layer.as_deref(), self.below.as_deref()].into_iter().flatten() {
            match &data.span {
                Layered::Here(span) => return span.as_ref().map(|span| span.trace_and_span_id().1),
                Layered::Inherited if data.opaque => return None,
                Layered::Inherited => {}
            }
        }
        None
    }

    /// Whether code with this scope is surely in a span that is not recorded.
    pub(crate) fn is_in_unsampled_span(&self) -> bool {
        for data in [self.layer.as_deref(), self.below.as_deref()].into_iter().flatten() {
            match &data.span {
                Layered::Here(span) => return span.as_ref().is_some_and(|span| !span.is_sampled()),
                Layered::Inherited if data.opaque => return false,
                Layered::Inherited => {}
            }
        }
        false
    }

    /// Whether code with this base scope is surely in no span, and serves no piece of work whose trace it would belong to.
    pub(crate) fn is_outside_of_work(&self) -> bool {
        let Some(layer) = self.layer.as_deref().filter(|_| self.below.is_none()) else { return false };
        let has_no_span = match &layer.span {
            Layered::Here(span) => span.is_none(),
            Layered::Inherited => layer.opaque || global::layer().is_none_or(|global| !global.span.is_here()),
        };
        has_no_span && layer.propagation.value().is_some_and(|trace| !trace.is_for_work())
    }

    /// Repeats on `self` what `mine` changed since it was cloned from `base`.
    pub(crate) fn replay(&mut self, base: &Self, mine: Self) {
        self.replay_since(&base.layer, mine);
    }

    fn replay_since(&mut self, base: &Option<Arc<ScopeData>>, mine: Self) {
        let empty = ScopeData::default();
        let Some(layer) = mine.layer else { return };
        self.edit().replay(base.as_deref().unwrap_or(&empty), Arc::unwrap_or_clone(layer));
    }

    /// Whether nothing was written since `other` was cloned from `self`, or the other way round.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        is_same(&self.layer, &other.layer)
    }

    fn edit(&mut self) -> &mut ScopeData {
        Arc::make_mut(self.layer.get_or_insert_default())
    }

    /// Takes the breadcrumbs that are new.
    pub(crate) fn take_breadcrumbs(&mut self, fresh: &mut Fresh) {
        self.edit().breadcrumbs.append(fresh);
    }

    /// Removes a key here, and hides it if something below shows it.
    fn take_away<V: Clone>(
        &mut self,
        key: &str,
        part: impl Fn(&ScopeData) -> &Map<V>,
        part_mut: impl FnOnce(&mut ScopeData) -> &mut Map<V>,
    ) {
        let shows = self.shows_below(|data| part(data).entry(key));
        match (&self.layer, shows) {
            (None, false) => {}
            (Some(layer), false) if part(layer).entry(key) == map::Entry::Absent => {}
            (_, false) => part_mut(self.edit()).remove(key),
            (_, true) => part_mut(self.edit()).hide(key),
        }
    }

    /// Whether the scopes below this one show what `look` looks for.
    fn shows_below(&self, look: impl Fn(&ScopeData) -> map::Entry) -> bool {
        let is_opaque = |layer: &Option<Arc<ScopeData>>| layer.as_ref().is_some_and(|data| data.opaque);
        if is_opaque(&self.layer) {
            return false;
        }
        match self.below.as_deref().map_or(map::Entry::Absent, &look) {
            map::Entry::Present => true,
            map::Entry::Hidden => false,
            map::Entry::Absent if self.is_global() || is_opaque(&self.below) => false,
            map::Entry::Absent => global::layer().is_some_and(|data| look(&data) == map::Entry::Present),
        }
    }

    /// Starts a trace of its own where none is known yet.
    pub(crate) fn ensure_propagation_context(&mut self) {
        if self.snapshot().propagation_context().is_none() {
            self.edit().propagation = Layered::Here(Some(Arc::default()));
        }
    }

    /// Forgets everything, event processors and the bound span included, and hides what lies below.
    pub fn clear(&mut self) {
        *self = Self {
            layer: Some(Arc::new(ScopeData {
                opaque: true,
                // One trace for the whole process would be nobody's.
                propagation: if self.is_global() {
                    Layered::Inherited
                } else {
                    Layered::Here(Some(Arc::default()))
                },
                ..ScopeData::default()
            })),
            below: self.below.take(),
            kind: self.kind,
            ambient: None,
        };
    }

    /// Puts a session here, or takes it away, and returns the one that was here.
    #[cfg(feature = "release-health")]
    pub(crate) fn replace_session(&mut self, session: Option<Arc<Session>>) -> Option<Arc<Session>> {
        match std::mem::replace(&mut self.edit().session, Layered::Here(session)) {
            Layered::Here(previous) => previous,
            Layered::Inherited => None,
        }
    }

    /// Forgets the breadcrumbs.
    pub fn clear_breadcrumbs(&mut self) {
        let data = self.edit();
        data.breadcrumbs = Default::default();
        data.breadcrumbs_opaque = true;
    }

    /// Sets the level of every event captured with this scope; `None` leaves events their own.
    pub fn set_level(&mut self, level: Option<Level>) {
        self.edit().level = Layered::Here(level);
    }

    /// Sets how events are grouped; `None` goes back to the server's own grouping.
    pub fn set_fingerprint(&mut self, fingerprint: Option<&[&str]>) {
        let parts =
            fingerprint.map(|parts| parts.iter().map(|part| Cow::Owned((*part).to_owned())).collect());
        self.edit().fingerprint = Layered::Here(parts);
    }

    /// Sets the transaction name of events, and renames the transaction bound to this scope.
    pub fn set_transaction(&mut self, transaction: Option<&str>) {
        if let (Some(name), Some(span @ TransactionOrSpan::Transaction(_))) = (transaction, self.get_span()) {
            span.set_name(name);
        }
        self.edit().transaction = Layered::Here(transaction.map(Arc::from));
    }

    /// Sets the user; `None` means nobody, even if a scope below knows one.
    pub fn set_user(&mut self, mut user: Option<User>) {
        user.iter_mut().for_each(|user| nesting::limit_all(user.other.values_mut()));
        self.edit().user = Layered::Here(user.map(Arc::new));
    }

    /// The user, if one is set here or below.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        let layers = [self.layer.as_deref(), self.below.as_deref()];
        for layer in layers.into_iter().flatten() {
            if layer.user.is_here() {
                return layer.user.value().map(|user| &**user);
            }
            if layer.opaque {
                return None;
            }
        }
        None
    }

    /// Sets the HTTP request that is being served, for events and transactions that have none. `None`: none is, even if a
    /// scope below knows one.
    pub fn set_request(&mut self, request: Option<Request>) {
        self.edit().request = Layered::Here(request.map(|request| Served::Known(Arc::new(request))));
    }

    /// The same for integrations: `make` is called only when an event or a transaction needs the request, on whichever
    /// thread completes it, and with what the client's options permit to be written down.
    pub fn set_request_with<F>(&mut self, make: F)
    where
        F: Fn(&DataCollection) -> Request + Send + Sync + RefUnwindSafe + 'static,
    {
        self.edit().request = Layered::Here(Some(Served::later(make)));
    }

    /// Sets the trace of all that is captured with this scope while no span is active, and that transactions of
    /// integrations belong to (protocol.md 9.2).
    pub fn set_propagation_context(&mut self, trace: TracePropagationContext) {
        self.edit().propagation = Layered::Here(Some(Arc::new(trace.for_work())));
    }

    /// Sets a tag: an indexed string of at most 200 characters.
    pub fn set_tag<V: ToString>(&mut self, key: &str, value: V) {
        // The caller's `to_string` runs before anything of ours is touched.
        let value = value.to_string();
        self.edit().tags.set(key, value);
    }

    /// Removes a tag, also one set by a scope below.
    pub fn remove_tag(&mut self, key: &str) {
        self.take_away(key, |data| &data.tags, |data| &mut data.tags);
    }

    /// Sets a context: a titled group of values.
    pub fn set_context<C: Into<Context>>(&mut self, key: &str, value: C) {
        let mut value = value.into();
        nesting::limit_context(&mut value);
        self.edit().contexts.set(key, value);
    }

    /// Removes a context.
    pub fn remove_context(&mut self, key: &str) {
        self.take_away(key, |data| &data.contexts, |data| &mut data.contexts);
    }

    /// Sets an extra: arbitrary, not indexed data.
    pub fn set_extra(&mut self, key: &str, mut value: Value) {
        nesting::limit(&mut value);
        self.edit().extra.set(key, value);
    }

    /// Removes an extra.
    pub fn remove_extra(&mut self, key: &str) {
        self.take_away(key, |data| &data.extra, |data| &mut data.extra);
    }

    /// Sets an attribute of every log and metric captured with this scope (protocol.md 6). What they have themselves wins.
    pub fn set_attribute<V: Into<LogAttribute>>(&mut self, key: &str, value: V) {
        let mut value = value.into();
        nesting::limit(&mut value.0);
        self.edit().attributes.set(key, value);
    }

    /// Removes an attribute, also one set by a scope below.
    pub fn remove_attribute(&mut self, key: &str) {
        self.take_away(key, |data| &data.attributes, |data| &mut data.attributes);
    }

    /// Remembers that a feature flag was evaluated: the last 100 of them go with every event captured with this scope, and
    /// the first ten of a span with the span that is bound here (protocol.md 17).
    pub fn add_feature_flag(&mut self, flag: &str, result: bool) {
        self.edit().flags.set(flag, result);
        if let Some(span) = self.get_span() {
            span.add_flag(flag, result);
        }
    }

    /// Adds a function that changes or drops (`None`) every event captured with this scope.
    ///
    /// It runs on the capturing thread. A panic in it drops the event.
    pub fn add_event_processor<F>(&mut self, f: F)
    where
        F: Fn(Event<'static>) -> Option<Event<'static>> + Send + Sync + RefUnwindSafe + 'static,
    {
        let processor: Processor = Arc::new(f);
        Arc::make_mut(self.edit().processors.get_or_insert_default()).push(processor);
    }

    /// Attaches a file to every event captured with this scope.
    pub fn add_attachment(&mut self, attachment: Attachment) {
        let attachment = Arc::new(attachment);
        Arc::make_mut(self.edit().attachments.get_or_insert_default()).push(attachment);
    }

    /// Attaches a file to every event and every transaction captured with this scope.
    pub fn add_attachment_to_transactions(&mut self, attachment: Attachment) {
        let attachment = Arc::new(attachment);
        let data = self.edit();
        for list in [&mut data.attachments, &mut data.traced] {
            Arc::make_mut(list.get_or_insert_default()).push(Arc::clone(&attachment));
        }
    }

    /// Attaches a file on disk to every event captured with this scope. It is read when an event is sent, as it is then, and
    /// never on the thread that captures.
    ///
    /// A file that cannot be read, or is larger than `max_attachment_size`, is counted as lost; the event arrives.
    ///
    /// ```
    /// use sentry_core::protocol::FileAttachment;
    ///
    /// sentry_core::configure_scope(|scope| {
    ///     scope.add_attachment_path("/var/log/app.log");
    ///     scope.add_file_attachment(FileAttachment {
    ///         content_type: Some("application/json".into()),
    ///         ..FileAttachment::new("state.json")
    ///     });
    /// });
    /// ```
    pub fn add_attachment_path<P: Into<std::path::PathBuf>>(&mut self, path: P) {
        self.add_file_attachment(FileAttachment::new(path));
    }

    /// As [`add_attachment_path`](Self::add_attachment_path), with a name, a content type and a purpose.
    pub fn add_file_attachment(&mut self, file: FileAttachment) {
        Arc::make_mut(self.edit().files.get_or_insert_default()).push(Arc::new(file));
    }

    /// Forgets the attachments.
    pub fn clear_attachments(&mut self) {
        let data = self.edit();
        data.attachments = None;
        data.traced = None;
        data.files = None;
        data.attachments_opaque = true;
    }

    /// Binds a span: later spans become its children, and events link to it.
    pub fn set_span(&mut self, span: Option<TransactionOrSpan>) {
        self.ambient = None;
        self.edit().span = Layered::Here(span);
    }

    /// The bound span, if there is one.
    #[must_use]
    pub fn get_span(&self) -> Option<TransactionOrSpan> {
        self.snapshot().span().cloned()
    }

    /// The headers that continue this scope's trace in another service.
    pub fn iter_trace_propagation_headers(&self) -> impl Iterator<Item = TraceHeader> {
        let snapshot = self.snapshot();
        let headers = match snapshot.span() {
            Some(span) => Some(span.iter_headers()),
            None => snapshot.propagation_context().map(TracePropagationContext::iter_headers),
        };
        headers.into_iter().flatten()
    }
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.layer {
            Some(data) => data.fmt(f),
            None => ScopeData::default().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
