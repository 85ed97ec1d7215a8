//! Everything a server received.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{
    envelope::{Envelope, Item},
    http::Request,
};

/// More problems than this are only counted.
const PROBLEM_LIMIT: usize = 100;

/// Everything a server received so far, in order of arrival.
///
/// Envelopes are parsed again for every question; only their bytes are kept.
#[derive(Clone, Debug, Default)]
pub struct Log {
    requests: Vec<Arc<Request>>,
    counts: BTreeMap<String, usize>,
    problems: Vec<String>,
    unlisted_problems: usize,
    connections: usize,
    attempts: usize,
    aborted: usize,
}

impl Log {
    pub(crate) fn open_connection(&mut self) -> usize {
        self.connections += 1;
        self.connections - 1
    }

    pub(crate) fn start_attempt(&mut self) {
        self.attempts += 1;
    }

    pub(crate) fn abort(&mut self) {
        self.aborted += 1;
    }

    pub(crate) fn record(&mut self, request: Request, envelope: Option<&Envelope>) {
        for item in envelope.iter().flat_map(|envelope| &envelope.items) {
            match self.counts.get_mut(item.kind()) {
                Some(count) => *count += 1,
                None => _ = self.counts.insert(item.kind().to_owned(), 1),
            }
        }
        self.requests.push(Arc::new(request));
    }

    pub(crate) fn complain(&mut self, problem: String) {
        if self.problems.len() < PROBLEM_LIMIT {
            self.problems.push(problem);
        } else {
            self.unlisted_problems += 1;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.requests.clear();
        self.counts.clear();
    }

    /// The requests that were read to their end, whatever was answered.
    #[must_use]
    pub fn requests(&self) -> &[Arc<Request>] {
        &self.requests
    }

    /// The envelopes of all requests that hold one.
    #[must_use]
    pub fn envelopes(&self) -> Vec<Envelope> {
        self.requests.iter().filter_map(|request| Envelope::parse(&request.body).ok()).collect()
    }

    /// The envelopes of the requests that were answered with 2xx: what a server would have stored.
    #[must_use]
    pub fn accepted_envelopes(&self) -> Vec<Envelope> {
        let accepted = self.requests.iter().filter(|request| request.is_accepted());
        accepted.filter_map(|request| Envelope::parse(&request.body).ok()).collect()
    }

    /// The items of one type, from all envelopes.
    #[must_use]
    pub fn items(&self, kind: &str) -> Vec<Item> {
        let items = self.envelopes().into_iter().flat_map(|envelope| envelope.items);
        items.filter(|item| item.kind() == kind).collect()
    }

    /// The payloads of one type of item, from all envelopes.
    #[must_use]
    pub fn payloads(&self, kind: &str) -> Vec<Value> {
        self.items(kind).iter().map(Item::json).collect()
    }

    /// How many items of one type came in; cheaper than asking for them.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.counts.get(kind).copied().unwrap_or_default()
    }

    /// The protocol violations, each in a sentence that starts with the number of its request.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.problems.clone();
        if self.unlisted_problems > 0 {
            problems.push(format!("and {} more", self.unlisted_problems));
        }
        problems
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections
    }

    /// How many requests were started, those included that the script left unread or the client cut short.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.attempts
    }

    /// How many requests the client cut short.
    #[must_use]
    pub fn aborted(&self) -> usize {
        self.aborted
    }
}
