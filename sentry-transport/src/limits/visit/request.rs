//! HTTP requests and responses, and users.

use sentry_core::protocol::{Request, User};

use crate::limits::caps::{Bag, Most};
use crate::limits::visit::Visit;
use crate::scrub::trail::Trail;

impl Visit<'_> {
    pub(super) fn request(&mut self, request: &mut Request) {
        let caps = self.caps;
        let whole = |bytes: usize| Most { chars: bytes, allowance: 0 };
        let root = Trail::ROOT;
        let at = root.name("request");
        self.url(&at, "url", &mut request.url, caps.url);
        self.option(&at, "method", &mut request.method, caps.label);
        self.body(&at, "data", &mut request.data, caps.request);
        self.option(&at, "query_string", &mut request.query_string, whole(caps.query));
        self.option(&at, "cookies", &mut request.cookies, whole(caps.request / 4));
        self.texts(&at, "headers", &mut request.headers, caps.request);
        self.texts(&at, "env", &mut request.env, caps.request);
    }

    /// Bodies are measured in bytes.
    fn body(&mut self, at: &Trail<'_>, name: &str, body: &mut Option<String>, bytes: usize) {
        let Some(body) = body else { return };
        self.count_text(body);
        if body.len() > bytes {
            self.cut_to_bytes(&at.name(name), body, bytes);
        }
    }

    pub(super) fn user(&mut self, user: &mut User) {
        let caps = self.caps;
        let root = Trail::ROOT;
        let at = root.name("user");
        self.count(64);
        self.option(&at, "id", &mut user.id, caps.label);
        self.option(&at, "email", &mut user.email, caps.email);
        self.option(&at, "username", &mut user.username, caps.label);
        if user.other.is_empty() {
            return;
        }
        // A field of the protocol that the type has no place for.
        if let Some(sentry_core::protocol::Value::String(name)) = user.other.get_mut("name") {
            self.text(&at, "name", name, caps.label);
        }
        let Bag { bytes, depth } = caps.user;
        let mut left = bytes;
        self.fields(&at, &mut user.other, &mut left, (bytes, depth));
    }
}
