//! One text, read as what it is, with what must not leave taken out.

use sentry_core::protocol::Value;

use super::pairs::{self, Pairs};
use super::rules::{Rules, Source};
use super::text::{self, Hit, Rule, Wanted};
use super::{json, sql};
use crate::caught::caught;

/// What stands in the place of what was taken out.
pub(super) const FILTERED: &str = "[Filtered]";

/// How often what is left is looked at again. Where secrets touch, one may be seen only when the other is gone.
pub(super) const PASSES: usize = 4;

/// Texts shorter than this hold nothing.
const SHORTEST: usize = 5;

/// How a text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// JSON, a form, or nothing that can be read.
    Body,
    /// A header with cookies.
    Cookies,
    /// Names and values of headers.
    Headers,
    /// `a=1&b=2`
    Query,
    /// It goes as a whole.
    Secret,
    /// It has nothing to do with anybody.
    Skip,
    /// SQL.
    Sql,
    /// Any text.
    Text,
}

/// A text from which something was taken out.
#[derive(Debug)]
pub(super) struct Cleaned {
    pub(super) text: String,
    /// How many characters it had.
    pub(super) length: usize,
    /// Where in the new text something stands for what was taken out. Empty: somewhere.
    hits: Vec<Hit>,
}

impl Cleaned {
    /// A value that was taken out as a whole.
    pub(super) fn whole(rule: Rule, length: usize) -> Self {
        let hit = Hit { start: 0, end: FILTERED.len(), rule };
        Self { text: FILTERED.to_owned(), length, hits: vec![hit] }
    }

    /// As they stand in `_meta`.
    pub(super) fn remarks(&self) -> impl Iterator<Item = Value> {
        let remark =
            |hit: &Hit| vec![hit.rule.id().into(), Value::from("s"), hit.start.into(), hit.end.into()];
        let somewhere = self.hits.is_empty().then(|| vec![Rule::Key.id().into(), Value::from("s")]);
        self.hits.iter().map(remark).chain(somewhere).map(Value::from)
    }

    fn new(old: &str, hits: Vec<Hit>) -> Option<Self> {
        if hits.is_empty() {
            return None;
        }
        let mut text = String::with_capacity(old.len() + hits.len() * FILTERED.len());
        let mut copied = 0;
        let place = |hit: Hit| {
            // Always there: a hit begins and ends at ASCII.
            text.push_str(old.get(copied..hit.start).unwrap_or_default());
            let start = text.len();
            text.push_str(if hit.rule == Rule::Sql { "?" } else { FILTERED });
            copied = hit.end;
            Hit { start, end: text.len(), ..hit }
        };
        let hits = hits.into_iter().map(place).collect();
        text.push_str(old.get(copied..).unwrap_or_default());
        Some(Self { text, length: old.chars().count(), hits })
    }

    /// With more taken out of what was left.
    fn again(self, hits: Vec<Hit>) -> Self {
        let applied = hits.clone();
        let Some(mut next) = Self::new(&self.text, hits) else { return self };
        let moved = next.hits.clone();
        // Both are in order: one walk along them.
        let mut passed = 0;
        for old in self.hits {
            while applied.get(passed).is_some_and(|hit| hit.end <= old.start) {
                passed += 1;
            }
            // It stood in what was taken out now.
            if applied.get(passed).is_some_and(|hit| hit.start < old.end) {
                continue;
            }
            let (was, is) = passed.checked_sub(1).map_or((0, 0), |last| (applied[last].end, moved[last].end));
            next.hits.push(Hit { start: old.start - was + is, end: old.end - was + is, ..old });
        }
        next.hits.sort_by_key(|hit| hit.start);
        Self { length: self.length, ..next }
    }
}

impl Rules {
    /// What is left of `text`, which stands under `name`. `None`: all of it.
    pub(super) fn clean(&self, name: &str, text: &str, what: What, source: Source) -> Option<Cleaned> {
        let cleaned = match what {
            What::Skip => return None,
            What::Secret => {
                return (!text.is_empty() && text != FILTERED)
                    .then(|| Cleaned::whole(Rule::Key, text.chars().count()));
            }
            What::Body => self.clean_body(text, source),
            _ => self.settled(text, what, source),
        };
        match self.rule() {
            Some(rule) => {
                let left = cleaned.as_ref().map_or(text, |cleaned| &cleaned.text);
                // What the rule would have taken out is not known if it panics: all of it goes.
                let ruled = caught(|| rule(name, left)).unwrap_or_else(|| Some(FILTERED.to_owned()));
                match ruled.filter(|ruled| ruled != left) {
                    Some(ruled) => Some(Cleaned {
                        hits: vec![Hit { start: 0, end: ruled.len(), rule: Rule::Custom }],
                        length: text.chars().count(),
                        text: ruled,
                    }),
                    None => cleaned,
                }
            }
            None => cleaned,
        }
    }

    /// What is left when nothing more is found.
    fn settled(&self, text: &str, what: What, source: Source) -> Option<Cleaned> {
        let mut cleaned = Cleaned::new(text, self.hits(text, what, source))?;
        for _ in 0..PASSES {
            let hits = self.hits(&cleaned.text, what, source);
            if hits.is_empty() {
                return Some(cleaned);
            }
            cleaned = cleaned.again(hits);
        }
        Some(Cleaned::whole(Rule::Unreadable, cleaned.length))
    }

    /// What is found in `text`, in order.
    pub(super) fn hits(&self, text: &str, what: What, source: Source) -> Vec<Hit> {
        let mut hits = Vec::new();
        match what {
            What::Query => {
                pairs::find(text, Pairs::Query, |name| self.hides_parameter(name), &mut hits);
            }
            What::Cookies => {
                let is_list = pairs::find(text, Pairs::Cookies, |name| self.hides_cookie(name), &mut hits);
                if !is_list && text != FILTERED {
                    return vec![Hit { start: 0, end: text.len(), rule: Rule::Unreadable }];
                }
            }
            What::Sql if self.hides_literals(source) => sql::find(text.as_bytes(), &mut hits),
            _ => {}
        }
        if text.len() >= SHORTEST {
            let own = hits.len();
            let wanted = Wanted { names: self.names(), personal: self.hides_personal(source) };
            text::find(text.as_bytes(), wanted, &mut hits);
            if own > 0 && hits.len() > own {
                without_overlaps(&mut hits);
            }
        }
        hits
    }

    /// What is left of a name that holds a secret itself.
    pub(super) fn clean_name(&self, name: &str, source: Source) -> Option<String> {
        Some(self.settled(name, What::Text, source)?.text)
    }

    fn clean_body(&self, body: &str, source: Source) -> Option<Cleaned> {
        let start = body.trim_ascii_start();
        if start.is_empty() || body == FILTERED {
            return None;
        }
        if start.starts_with(['{', '[', '"']) && !start.starts_with(FILTERED) {
            let outcome = json::body(self, body.as_bytes(), source);
            if outcome.is_json {
                let text = String::from_utf8(outcome.json?).ok()?;
                return Some(Cleaned { text, length: body.chars().count(), hits: Vec::new() });
            }
        } else if pairs::is_form(body) {
            return self.settled(body, What::Query, source);
        }
        Some(Cleaned::whole(Rule::Unreadable, body.chars().count()))
    }
}

/// Sorts, and leaves of those that overlap what the ones before do not cover.
fn without_overlaps(hits: &mut Vec<Hit>) {
    hits.sort_by_key(|hit| hit.start);
    let mut end = 0;
    hits.retain_mut(|hit| {
        hit.start = hit.start.max(end);
        end = end.max(hit.end);
        hit.start < hit.end
    });
}
