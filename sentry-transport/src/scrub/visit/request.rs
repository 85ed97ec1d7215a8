//! HTTP requests.

use sentry_core::options::ScrubField;
use sentry_core::protocol::{Request, Url};

use super::Visit;
use crate::scrub::clean::{Cleaned, PASSES, What};
use crate::scrub::rules::{Rules, Source};
use crate::scrub::text::Rule;
use crate::scrub::trail::Trail;

impl Visit<'_> {
    pub(super) fn request(&mut self, request: &mut Request) {
        let at = Trail::ROOT;
        let at = at.name("request");
        self.with_source(Source::Automatic, |visit| {
            if visit.rules.covers(ScrubField::Requests) {
                visit.url(&at.name("url"), &mut request.url);
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

    /// What is left has to be a URL: one that is none any more goes as a whole.
    fn url(&mut self, at: &Trail<'_>, url: &mut Option<Url>) {
        let Some(whole) = url.as_ref() else { return };
        let clean = |url: &Url| self.rules.clean("url", url.as_str(), What::Text, self.source);
        let Some(cleaned) = clean(whole) else { return };
        // It may be written in another way than the text was.
        let mut left = cleaned.text.parse::<Url>().ok();
        for _ in 0..PASSES {
            let Some(again) = left.as_ref().and_then(clean) else { break };
            left = again.text.parse().ok();
        }
        let left = left.filter(|left| clean(left).is_none());
        match left {
            Some(_) => self.notes.add(at, &cleaned),
            None => self.notes.add(at, &Cleaned::whole(Rule::Unreadable, cleaned.length)),
        }
        *url = left;
    }
}
