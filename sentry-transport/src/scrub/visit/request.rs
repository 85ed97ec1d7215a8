//! HTTP requests.

use sentry_core::options::ScrubField;
use sentry_core::protocol::{Request, Url};

use super::Visit;
use crate::scrub::clean::What;
use crate::scrub::rules::{Rules, Source};
use crate::scrub::trail::Trail;

impl Visit<'_> {
    pub(super) fn request(&mut self, request: &mut Request) {
        let at = Trail::ROOT;
        let at = at.name("request");
        self.with_source(Source::Automatic, |visit| {
            if visit.rules.covers(ScrubField::Requests) {
                if let Some(url) = &mut request.url {
                    visit.url(&at.name("url"), url);
                }
                visit.option(&at, "query_string", &mut request.query_string, What::Query);
                visit.option(&at, "cookies", &mut request.cookies, What::Cookies);
                visit.texts(&at, "headers", &mut request.headers, Rules::header);
                visit.texts(&at, "env", &mut request.env, Rules::header);
            }
            if visit.rules.covers(ScrubField::Bodies) {
                visit.option(&at, "data", &mut request.data, What::Body);
            }
        });
    }

    pub(super) fn url(&mut self, at: &Trail<'_>, url: &mut Url) {
        let Some(cleaned) = self.rules.clean("url", url.as_str(), What::Text, self.source) else { return };
        let clean = cleaned.text.parse().unwrap_or_else(|_| {
            let mut bare = sentry_core::utils::scrub_pii_from_url(url.clone());
            bare.set_query(None);
            bare.set_fragment(None);
            bare
        });
        self.notes.add(at, &cleaned);
        *url = clean;
    }
}
