//! Contexts.

use sentry_core::options::ScrubField;
use sentry_core::protocol::{Context, Map, ResponseContext, TraceContext};

use super::Visit;
use crate::scrub::clean::What;
use crate::scrub::rules::{Rules, Source};
use crate::scrub::trail::Trail;

impl Visit<'_> {
    pub(super) fn contexts(&mut self, contexts: &mut Map<String, Context>) {
        let root = Trail::ROOT;
        let at = root.name("contexts");
        let is_on = self.rules.covers(ScrubField::Contexts);
        for (name, context) in contexts.iter_mut() {
            let at = at.name(name);
            match context {
                Context::Feedback(feedback) if self.rules.covers(ScrubField::Feedback) => {
                    self.text(&at, "message", &mut feedback.message, What::Text);
                    self.option(&at, "contact_email", &mut feedback.contact_email, What::Text);
                    self.option(&at, "name", &mut feedback.name, What::Text);
                    self.option(&at, "url", &mut feedback.url, What::Text);
                    self.fields(&at, &mut feedback.other);
                }
                _ if !is_on => {}
                Context::Other(fields) => {
                    let what = self.rules.named(name);
                    for (field, value) in fields.iter_mut().filter(|(field, _)| *field != "type") {
                        let what = self.rules.within(what, field);
                        self.value(&at.name(field), field, value, what);
                    }
                }
                Context::Trace(trace) => self.trace(&at, trace),
                Context::Response(response) => self.response(&at, response),
                Context::Otel(otel) => {
                    self.map(&at, "attributes", &mut otel.attributes);
                    self.map(&at, "resource", &mut otel.resource);
                }
                Context::App(app) => self.fields(&at, &mut app.other),
                Context::Device(device) => self.fields(&at, &mut device.other),
                Context::Os(os) => self.fields(&at, &mut os.other),
                Context::Browser(browser) => self.fields(&at, &mut browser.other),
                Context::Runtime(runtime) => self.fields(&at, &mut runtime.other),
                // Settings and numbers of machines.
                _ => {}
            }
        }
    }

    fn trace(&mut self, at: &Trail<'_>, trace: &mut TraceContext) {
        let is_automatic = trace.origin.as_ref().is_some_and(|origin| origin.starts_with("auto."));
        let source = if is_automatic { Source::Automatic } else { Source::User };
        self.with_source(Source::Automatic, |visit| {
            visit.option(at, "description", &mut trace.description, What::Text);
            visit.option(at, "op", &mut trace.op, What::Text);
        });
        self.with_source(source, |visit| {
            visit.map(at, "data", &mut trace.data);
            visit.links(at, &mut trace.links);
        });
    }

    fn response(&mut self, at: &Trail<'_>, response: &mut ResponseContext) {
        self.with_source(Source::Automatic, |visit| {
            visit.option(at, "cookies", &mut response.cookies, What::Cookies);
            visit.texts(at, "headers", &mut response.headers, Rules::header);
            if let Some(data) = &mut response.data
                && visit.rules.covers(ScrubField::Bodies)
            {
                let what = if data.is_string() { What::Body } else { What::Text };
                visit.value(&at.name("data"), "data", data, what);
            }
        });
    }
}
