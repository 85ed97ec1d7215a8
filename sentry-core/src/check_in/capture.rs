//! From a check-in to an envelope.

use serde::Serialize;
use serde_json::{Value, json};

use crate::client::{self, Client};
use crate::client_report::protocol::{Category, Reason};
use crate::envelope::{EnvelopeItem, UnknownItem};
use crate::hub::Hub;
use crate::protocol::{MonitorCheckIn, MonitorSchedule};
use crate::scope::{Scope, ScopeSnapshot};
use crate::suppress::{guarded, is_suppressed};
use crate::types::Uuid;
use crate::{diagnostics, rng};

/// Captures a check-in on the current hub. Returns its id: nil if it was dropped or no client is active.
///
/// [`Monitor`](crate::Monitor) sends those of a whole run.
#[expect(clippy::must_use_candidate, reason = "called for its effect")]
pub fn capture_check_in(check_in: MonitorCheckIn) -> Uuid {
    if !client::any_live() {
        return Uuid::nil();
    }
    Hub::current().capture_check_in(check_in)
}

impl Hub {
    /// Captures a check-in: release, environment and trace are filled in. Returns its id: nil if it was dropped.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn capture_check_in(&self, check_in: MonitorCheckIn) -> Uuid {
        self.capture_check_in_of(check_in, None)
    }

    /// The same for a monitor that somebody has to look after.
    pub(super) fn capture_check_in_of(&self, check_in: MonitorCheckIn, owner: Option<&str>) -> Uuid {
        let Some((client, scope)) = self.for_telemetry(Category::Monitor) else { return Uuid::nil() };
        client.write_check_in(check_in, owner, &scope)
    }
}

impl Client {
    /// Captures a check-in with the given scope. Returns its id: nil if it was dropped.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn capture_check_in(&self, check_in: MonitorCheckIn, scope: &Scope) -> Uuid {
        if !self.is_enabled() || is_suppressed() {
            return Uuid::nil();
        }
        self.write_check_in(check_in, None, &scope.snapshot())
    }

    fn write_check_in(
        &self,
        mut check_in: MonitorCheckIn,
        owner: Option<&str>,
        scope: &ScopeSnapshot,
    ) -> Uuid {
        if check_in.check_in_id.is_nil() && check_in.monitor_config.is_some() {
            // Nil stands for a run in progress; what describes the monitor begins one.
            check_in.check_in_id = rng::uuid();
        }
        warn_of_mistakes(&check_in);
        let options = self.options();
        if check_in.environment.is_none() {
            check_in.environment = options.environment.as_deref().map(str::to_owned);
        }
        if let Some(before_send) = &options.before_send_check_in {
            check_in = match guarded("before_send_check_in", || before_send(check_in)) {
                Ok(Some(check_in)) => check_in,
                dropped => {
                    let reason = if dropped.is_ok() { Reason::BeforeSend } else { Reason::CallbackError };
                    self.options().client_report_recorder.record(reason, Category::Monitor, 1);
                    return Uuid::nil();
                }
            };
        }
        let id = check_in.check_in_id;
        let trace = scope.trace_id().map(|trace_id| json!({"trace": {"trace_id": trace_id}}));
        // The published types know neither release nor trace, nor who looks after a monitor.
        let wire = Wire { check_in: &check_in, release: options.release.as_deref(), contexts: trace };
        let Ok(payload) = wire.encode(owner) else { return Uuid::nil() };
        let item = EnvelopeItem::Unknown(UnknownItem::new("check_in", [], payload));
        self.send_items(vec![item], (Category::Monitor, 1));
        id
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(flatten)]
    check_in: &'a MonitorCheckIn,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contexts: Option<Value>,
}

impl Wire<'_> {
    fn encode(&self, owner: Option<&str>) -> serde_json::Result<Vec<u8>> {
        let Some(owner) = owner else { return serde_json::to_vec(self) };
        let mut wire = serde_json::to_value(self)?;
        if let Some(Value::Object(config)) = wire.get_mut("monitor_config") {
            config.insert("owner".to_owned(), owner.into());
        }
        serde_json::to_vec(&wire)
    }
}

/// The server answers these with silence.
fn warn_of_mistakes(check_in: &MonitorCheckIn) {
    if check_in.monitor_slug.is_empty() {
        diagnostics::warn_once("monitor slug", || "a check-in names no monitor: the slug is empty".into());
    }
    let schedule = check_in.monitor_config.as_ref().map(|config| &config.schedule);
    if let Some(MonitorSchedule::Crontab { value }) = schedule
        && let Err(error) = MonitorSchedule::from_crontab(value)
    {
        diagnostics::warn_once("monitor schedule", || format!("the schedule of a monitor is wrong: {error}"));
    }
}
