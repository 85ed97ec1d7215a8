//! From a log to a record for a batch.

use std::collections::btree_map::Entry;

use super::draft::Draft;
use super::wire;
use crate::attributes::{self, Defaults, FromScope, Keys};
use crate::breadcrumbs::Brief;
use crate::client::{self, Client};
use crate::client_report::protocol::{Category, ItemLoss, Reason};
use crate::hub::{self, Besides, Hub, Note};
use crate::protocol::Log;
use crate::scope::{Scope, ScopeSnapshot, View};
use crate::suppress::{guarded, is_suppressed};
use crate::telemetry::{Place, Scratch, Stamp, TelemetryKind};
use crate::{clock, nesting};

/// Whether a log would lead anywhere.
#[inline]
#[must_use]
pub fn is_wanted() -> bool {
    client::any_live()
}

/// Whether the current hub wants logs. `None`: nothing at all, because no client is active.
#[must_use]
pub fn wants_logs() -> Option<bool> {
    if !client::any_live() {
        return None;
    }
    let look = |client: &Client| client.is_enabled().then(|| client.options().enable_logs);
    hub::with_current(|hub| hub.with_client(look)).flatten().flatten()
}

impl Draft {
    /// Captures it on the current hub. `own`: the keys of its attributes. Wants all of it for itself, as it is written only once.
    pub fn capture_known(&mut self, own: Keys<'_>) {
        self.capture_at(Stamp::from(clock::now()), own, &mut ());
    }

    /// The same, with a breadcrumb of the same moment.
    pub fn capture_noted(&mut self, own: Keys<'_>, breadcrumb: Brief) {
        let stamp = Stamp::from(clock::now());
        let mut note = Note::new(breadcrumb.at(stamp.time()));
        self.capture_at(stamp, own, &mut note);
        note.finish();
    }

    #[inline(always)]
    fn capture_at(&self, stamp: Stamp, own: Keys<'_>, besides: &mut impl Besides) {
        // At a glance, if nothing but encoding is to be done.
        let look = |client: &Client, scope: &View<'_>| {
            if client.options().before_send_log.is_some() || !client.gathers() {
                return None;
            }
            let defaults = client.known_log_defaults()?;
            let from_scope = FromScope::of(scope);
            Some(client.gather(TelemetryKind::Log, stamp.time(), |out, ending| {
                self.write(out, own, from_scope.as_ref().unwrap_or(FromScope::NOTHING), defaults);
                ending.write(place(stamp, scope), out);
            }))
        };
        match hub::glance_besides(look, besides) {
            Some(Some(follow_up)) => follow_up.run(),
            Some(None) => self.capture_slowly(own, stamp),
            None => {}
        }
    }

    #[cold]
    fn capture_slowly(&self, own: Keys<'_>, stamp: Stamp) {
        let Some((client, scope)) = Hub::current().for_telemetry(Category::LogItem) else { return };
        let place = place(stamp, &scope.view());
        let mut json = Scratch::take();
        if client.options().before_send_log.is_none() {
            self.write(&mut json, own, &FromScope::new(&scope), client.log_defaults());
            place.write(&mut json);
            return client.send_encoded(TelemetryKind::Log, &json, stamp.time());
        }
        self.write(&mut json, own, &FromScope::default(), &Defaults::default());
        place.write(&mut json);
        // It was written a moment ago.
        if let Ok(log) = serde_json::from_slice::<Log>(&json) {
            client.write_log(Log { timestamp: stamp.time(), ..log }, &scope);
        }
    }

    /// With what the scope and the client add; all but the end.
    #[inline(always)]
    fn write(&self, out: &mut Vec<u8>, own: Keys<'_>, from_scope: &FromScope<'_>, defaults: &Defaults) {
        let attributes = out.len() + self.attributes;
        out.extend_from_slice(&self.json);
        let (names, marks) = if self.parameters > 0 {
            (wire::OF_TEXT, own.marks.and(wire::OF_TEXT.marks))
        } else {
            (Keys::NONE, own.marks)
        };
        let own = own.names().chain(names.names());
        attributes::write_rest(out, attributes, (own, marks), from_scope, defaults);
    }
}

#[inline]
fn place(stamp: Stamp, scope: &View<'_>) -> Place {
    let (trace_id, span_id) = scope.place();
    Place { stamp, trace_id: trace_id.unwrap_or_default(), span_id }
}

impl Hub {
    /// Captures a log with the scope of this hub: its trace, its user, its attributes.
    pub fn capture_log(&self, log: Log) {
        if let Some((client, scope)) = self.for_telemetry(Category::LogItem) {
            client.write_log(log, &scope);
        }
    }
}

impl Client {
    /// Captures a log with the given scope.
    pub fn capture_log(&self, log: Log, scope: &Scope) {
        if self.is_enabled()
            && !is_suppressed()
            && !self.discards_all(&[ItemLoss::new(Category::LogItem, 1)][..])
        {
            self.write_log(log, &scope.snapshot());
        }
    }

    fn write_log(&self, mut log: Log, scope: &ScopeSnapshot) {
        nesting::limit_body(&mut log.body);
        log.attributes.values_mut().for_each(|value| nesting::limit(&mut value.0));
        let Some(before_send) = &self.options().before_send_log else {
            return self.send_log(&log, scope, &FromScope::new(scope), self.log_defaults());
        };
        // It sees everything that would be sent.
        log.trace_id = log.trace_id.or_else(|| scope.trace_id());
        log.severity_number = log.severity_number.or_else(|| Some(log.level.severity_number()));
        let from_scope = FromScope::new(scope);
        for (key, value) in from_scope.entries().chain(self.log_defaults().entries()) {
            if let Entry::Vacant(entry) = log.attributes.entry(key.to_owned()) {
                entry.insert(value.into_owned());
            }
        }
        let bytes = log.body.len() as u64;
        match guarded("before_send_log", || before_send(log)) {
            Ok(Some(mut log)) => {
                nesting::limit_body(&mut log.body);
                log.attributes.values_mut().for_each(|value| nesting::limit(&mut value.0));
                self.send_log(&log, scope, &FromScope::default(), &Defaults::default());
            }
            dropped => {
                let reason = if dropped.is_ok() { Reason::BeforeSend } else { Reason::CallbackError };
                self.lose(reason, &[(Category::LogItem, 1), (Category::LogByte, bytes)]);
            }
        }
    }

    fn send_log(&self, log: &Log, scope: &ScopeSnapshot, from_scope: &FromScope<'_>, defaults: &Defaults) {
        let mut json = Scratch::take();
        wire::write(&mut json, log, scope, from_scope, defaults);
        self.send_encoded(TelemetryKind::Log, &json, log.timestamp);
    }
}
