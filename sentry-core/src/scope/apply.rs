//! Laying scopes over an item. What the item has itself wins, except its level.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::client;
use crate::hub::Hub;
use crate::options::{ClientOptions, DataCollection};
use crate::protocol::{Breadcrumb, Context, Event, Log, LogAttribute, Request, Transaction};
use crate::scope::flags::Flags;
use crate::scope::map::Map;
use crate::scope::{Scope, ScopeData, ScopeSnapshot};
use crate::{suppress, trace};

impl Scope {
    /// Completes `event` with what this scope holds and runs its event processors, which may drop it.
    #[must_use]
    pub fn apply_to_event(&self, event: Event<'static>) -> Option<Event<'static>> {
        let snapshot = self.snapshot();
        let mut event = event;
        snapshot.apply_to_event(&mut event, usize::MAX);
        snapshot.apply_request(&mut event.request, current_collection);
        for processor in snapshot.processors() {
            event = suppress::guarded("event processor", || processor(event)).ok()??;
        }
        Some(event)
    }

    /// Completes `transaction` with user, tags, extra and contexts.
    pub fn apply_to_transaction(&self, transaction: &mut Transaction<'static>) {
        let snapshot = self.snapshot();
        snapshot.apply_to_transaction(transaction);
        snapshot.apply_request(&mut transaction.request, current_collection);
    }

    /// Completes `log` with the trace and the user.
    pub fn apply_to_log(&self, log: &mut Log) {
        let snapshot = self.snapshot();
        if log.trace_id.is_none() {
            log.trace_id = snapshot
                .span()
                .map(|span| span.get_trace_context().trace_id)
                .or_else(|| snapshot.propagation_context().map(|context| context.trace_id()));
        }
        let Some(user) = snapshot.user() else { return };
        let fields = [("user.id", &user.id), ("user.name", &user.username), ("user.email", &user.email)];
        for (key, value) in fields {
            if let Some(value) = value {
                let value = || LogAttribute::from(value.clone());
                log.attributes.entry(key.to_owned()).or_insert_with(value);
            }
        }
    }
}

impl ScopeSnapshot {
    /// Everything a scope adds to an event, at most `max_breadcrumbs` crumbs, without the event processors.
    pub(crate) fn apply_to_event(&self, event: &mut Event<'static>, max_breadcrumbs: usize) {
        if let Some(level) = self.level() {
            event.level = level;
        }
        if event.user.is_none() {
            event.user = self.user().cloned();
        }
        if event.transaction.is_none() {
            event.transaction = self.transaction().map(str::to_owned);
        }
        if is_default_fingerprint(&event.fingerprint)
            && let Some(parts) = self.fingerprint()
        {
            event.fingerprint = Cow::Owned(parts.to_vec());
        }
        self.fill(|layer| &layer.tags, &mut event.tags);
        self.fill(|layer| &layer.extra, &mut event.extra);
        self.fill(|layer| &layer.contexts, &mut event.contexts);
        if !event.contexts.contains_key("flags")
            && let Some(flags) = self.flags()
        {
            event.contexts.insert("flags".to_owned(), flags);
        }
        event.breadcrumbs.values.extend(self.breadcrumbs(max_breadcrumbs));
        let surplus = event.breadcrumbs.values.len().saturating_sub(max_breadcrumbs);
        event.breadcrumbs.values.drain(..surplus);
        self.apply_replay(&mut event.contexts);
        if !event.contexts.contains_key("trace")
            && let Some(trace) = self.trace_context()
        {
            event.contexts.insert("trace".to_owned(), trace);
        }
    }

    pub(crate) fn apply_to_transaction(&self, transaction: &mut Transaction<'static>) {
        if transaction.user.is_none() {
            transaction.user = self.user().cloned();
        }
        self.fill(|layer| &layer.tags, &mut transaction.tags);
        self.fill(|layer| &layer.extra, &mut transaction.extra);
        self.fill(|layer| &layer.contexts, &mut transaction.contexts);
        self.apply_replay(&mut transaction.contexts);
    }

    /// Names the replay that the trace tells of.
    fn apply_replay(&self, contexts: &mut BTreeMap<String, Context>) {
        if let Some(replay) = trace::incoming_replay(self)
            && !contexts.contains_key("replay")
        {
            let replay = Context::Other([("replay_id".to_owned(), replay.into())].into());
            contexts.insert("replay".to_owned(), replay);
        }
    }

    /// The request that was being served, as far as it may be written down.
    pub(crate) fn apply_request(
        &self,
        request: &mut Option<Request>,
        collection: impl FnOnce() -> DataCollection,
    ) {
        if request.is_none() {
            *request = self.request().and_then(|served| served.request(collection));
        }
    }

    fn trace_context(&self) -> Option<Context> {
        if let Some(span) = self.span() {
            return Some(span.get_trace_context().into());
        }
        Some(self.propagation_context()?.trace_context().into())
    }

    fn breadcrumbs(&self, max: usize) -> Vec<Breadcrumb> {
        let mut layers = Vec::new();
        for layer in self.layers() {
            layers.push(layer);
            if layer.breadcrumbs_opaque {
                break;
            }
        }
        let limit = layers.iter().map(|layer| layer.breadcrumbs.limit()).max().unwrap_or(0);
        let max = max.min(limit);
        let mut crumbs = Vec::new();
        layers.into_iter().rev().for_each(|layer| layer.breadcrumbs.collect_into(max, &mut crumbs));
        crumbs.drain(..crumbs.len().saturating_sub(max));
        crumbs
    }

    fn flags(&self) -> Option<Context> {
        let mut layers: Vec<_> =
            self.layers().map(|layer| &layer.flags).filter(|flags| !flags.is_empty()).collect();
        layers.reverse();
        Flags::context(layers.into_iter())
    }

    fn fill<'a, V: Clone + 'a>(
        &'a self,
        part: impl Fn(&'a ScopeData) -> &'a Map<V>,
        out: &mut BTreeMap<String, V>,
    ) {
        let mut layers: Vec<_> = self.layers().map(part).filter(|map| !map.is_empty()).collect();
        if layers.is_empty() {
            return;
        }
        layers.reverse();
        let mut values = BTreeMap::new();
        layers.into_iter().for_each(|map| map.overlay(&mut values));
        for (key, value) in values {
            if !out.contains_key(key) {
                out.insert(key.to_owned(), value.clone());
            }
        }
    }
}

/// What the client of the running code permits.
fn current_collection() -> DataCollection {
    let client = if client::any_live() { Hub::current().client() } else { None };
    let collection = client.map(|client| client.options().collection().into_owned());
    collection.unwrap_or_else(|| ClientOptions::default().collection().into_owned())
}

fn is_default_fingerprint(parts: &[Cow<'_, str>]) -> bool {
    match parts {
        [] => true,
        [only] => only == "{{ default }}",
        _ => false,
    }
}
