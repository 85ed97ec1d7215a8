//! Contexts.

use sentry_core::protocol::{Context, Map, TraceContext};
use sentry_core::utils::take_apart;

use crate::limits::caps::Most;
use crate::limits::visit::Visit;
use crate::scrub::trail::Trail;

/// Numbers, ids and flags of a typed context, and their names.
const CONTEXT: usize = 200;
const FLAG: usize = 30;

/// The fields of a typed context that are texts, as they are called.
macro_rules! options {
    ($visit:ident, $at:ident, $context:ident, $most:expr, $($field:ident),+) => {
        $($visit.option($at, stringify!($field), &mut $context.$field, $most);)+
    };
}

impl Visit<'_> {
    pub(super) fn contexts(&mut self, contexts: &mut Map<String, Context>) {
        if contexts.is_empty() {
            return;
        }
        let root = Trail::ROOT;
        let at = root.name("contexts");
        let (length, mut left) = (contexts.len(), self.caps.contexts);
        let mut gone = Vec::new();
        for (name, context) in contexts.iter_mut() {
            if left < name.len() && is_custom(context) {
                gone.push(name.clone());
                continue;
            }
            let before = self.bytes;
            self.count(name.len() + 8);
            self.context(&at.name(name), context);
            if is_custom(context) {
                left = left.saturating_sub(self.bytes - before);
            }
        }
        for name in &gone {
            self.notes.forget(&at, name);
            if let Some(Context::Other(fields)) = contexts.remove(name) {
                fields.into_values().for_each(take_apart);
            }
        }
        if !gone.is_empty() {
            self.count_cut();
            self.notes.shortened(&at, length, contexts.len());
        }
    }

    fn context(&mut self, at: &Trail<'_>, context: &mut Context) {
        let bag = self.caps.context;
        let most = Most { chars: (bag.bytes / 8).min(self.caps.value), allowance: 0 };
        let mut left = bag.bytes;
        let each = (bag.bytes, bag.depth);
        if !is_custom(context) {
            self.count(CONTEXT);
        }
        match context {
            Context::Other(fields) => self.fields(at, fields, &mut left, each),
            Context::Trace(trace) => self.trace(at, trace),
            Context::Feedback(feedback) => {
                self.text(at, "message", &mut feedback.message, self.caps.feedback);
                options!(self, at, feedback, most, contact_email, name, url, replay_id);
                self.fields(at, &mut feedback.other, &mut left, each);
            }
            Context::App(app) => {
                options!(self, at, app, most, device_app_hash, build_type, app_identifier);
                options!(self, at, app, most, app_name, app_version, app_build);
                self.fields(at, &mut app.other, &mut left, each);
            }
            Context::Browser(browser) => {
                options!(self, at, browser, most, name, version);
                self.fields(at, &mut browser.other, &mut left, each);
            }
            Context::Culture(culture) => {
                options!(self, at, culture, most, locale, timezone);
                self.fields(at, &mut culture.other, &mut left, each);
            }
            Context::Device(device) => {
                self.count(CONTEXT);
                options!(self, at, device, most, name, family, model, model_id, arch, timezone);
                self.fields(at, &mut device.other, &mut left, each);
            }
            Context::Gpu(gpu) => {
                self.count(CONTEXT);
                self.text(at, "name", &mut gpu.name, most);
                options!(self, at, gpu, most, version, driver_version, id, vendor_id, vendor_name);
                options!(self, at, gpu, most, api_type, graphics_shader_level);
                self.fields(at, &mut gpu.other, &mut left, each);
            }
            Context::Os(os) => {
                options!(self, at, os, most, name, version, build, kernel_version);
                self.fields(at, &mut os.other, &mut left, each);
            }
            Context::Runtime(runtime) => {
                options!(self, at, runtime, most, name, version);
                self.fields(at, &mut runtime.other, &mut left, each);
            }
            Context::Profile(profile) => self.fields(at, &mut profile.other, &mut left, each),
            Context::Otel(otel) => {
                self.map(at, "attributes", &mut otel.attributes, bag);
                self.map(at, "resource", &mut otel.resource, bag);
                self.fields(at, &mut otel.other, &mut left, each);
            }
            Context::Response(response) => {
                let cookies = Most { chars: bag.bytes / 4, allowance: 0 };
                self.option(at, "cookies", &mut response.cookies, cookies);
                self.texts(at, "headers", &mut response.headers, bag.bytes);
                if let Some(data) = &mut response.data {
                    self.value(&at.name("data"), data, &mut left, bag.depth);
                }
            }
            Context::Flags(flags) => {
                let at = at.name("values");
                let (length, most) = (flags.values.len(), self.caps.flags);
                if length > most {
                    // The newest is the last.
                    let gone = length - most;
                    flags.values.drain(..gone);
                    self.notes.moved(&at, |index| index.checked_sub(gone));
                    self.count_cut();
                    self.notes.shortened(&at, length, most);
                }
                for (index, flag) in flags.values.iter_mut().enumerate() {
                    self.count(FLAG);
                    self.text(&at.index(index), "flag", &mut flag.flag, self.caps.flag);
                }
            }
            // There may be more of them one day.
            _ => {}
        }
    }

    fn trace(&mut self, at: &Trail<'_>, trace: &mut TraceContext) {
        let caps = self.caps;
        self.option(at, "op", &mut trace.op, caps.label);
        self.option(at, "origin", &mut trace.origin, caps.label);
        self.option(at, "description", &mut trace.description, caps.description);
        self.map(at, "data", &mut trace.data, caps.span);
        self.links(at, &mut trace.links);
    }
}

fn is_custom(context: &Context) -> bool {
    matches!(context, Context::Other(_))
}
