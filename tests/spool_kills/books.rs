//! What was promised and what was kept. The books know the disk, the lines that children have written, and what the server
//! has received; nothing of them comes from the code under test.

use std::collections::{BTreeMap, BTreeSet};

use ingest::{Envelope, Log};
use sentry::protocol::Value;

use crate::mark::Mark;

/// The end of one process.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) user_agent: String,
    /// The ids on disk right after it, if nobody else was at work there.
    pub(crate) on_disk: Option<BTreeSet<String>>,
}

/// Everything about one directory from its first process to its last.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// Accepted and spooled, and how that is known.
    pub(crate) spooled: BTreeMap<String, &'static str>,
    /// Losses and diagnostics that children were told of.
    pub(crate) told: BTreeMap<String, usize>,
    /// Accepted, for all the child knew in memory only.
    pub(crate) captured: BTreeSet<String>,
    pub(crate) ends: Vec<End>,
    /// With this policy whatever the server has seen was on disk before.
    pub(crate) is_always: bool,
}

/// Figures of one directory, or of many.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) kills: usize,
    /// Ends in good order or by a panic of `main`, before the kill.
    pub(crate) exits: usize,
    pub(crate) captured: usize,
    pub(crate) spooled: usize,
    pub(crate) delivered: usize,
    /// Received again because the process died between the answer and the removal.
    pub(crate) duplicates: usize,
    /// Received whole, not answered, and received again.
    pub(crate) ambiguous: usize,
    /// Discarded by the word of the server: 429.
    pub(crate) refused: usize,
    /// Captured, never on disk, and gone with the process.
    pub(crate) in_memory: usize,
    /// Most that one kill has doubled.
    pub(crate) most_at_once: usize,
    /// Sessions of which the server was told.
    pub(crate) sessions: usize,
    /// Of these, how many it was told the end of.
    pub(crate) ended: usize,
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.kills += other.kills;
        self.exits += other.exits;
        self.captured += other.captured;
        self.spooled += other.spooled;
        self.delivered += other.delivered;
        self.duplicates += other.duplicates;
        self.ambiguous += other.ambiguous;
        self.refused += other.refused;
        self.in_memory += other.in_memory;
        self.most_at_once = self.most_at_once.max(other.most_at_once);
        self.sessions += other.sessions;
        self.ended += other.ended;
    }
}

/// As many requests may be under way at once, and be answered without the process having seen it.
const WIDTH: usize = 128;

/// One event in one request.
struct Receipt {
    request: usize,
    user_agent: String,
}

/// Enters what an update says about the end of its session.
fn enter_session(update: &Value, sessions: &mut BTreeMap<String, BTreeSet<String>>) {
    let ends =
        sessions.entry(update["sid"].as_str().unwrap_or("a session without an id").to_owned()).or_default();
    if let Some(status) = update["status"].as_str().filter(|status| *status != "ok") {
        ends.insert(status.to_owned());
    }
}

impl Books {
    /// Closes the books: figures, or what is wrong.
    pub(crate) fn close(mut self, log: &Log) -> Result<Totals, Vec<String>> {
        let mut wrong = Vec::new();
        let mut accepted: BTreeMap<String, Vec<Receipt>> = BTreeMap::new();
        let (mut refused, mut unanswered) = (BTreeSet::new(), BTreeSet::new());
        let mut requests_of: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut sessions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (request, received) in log.requests().iter().enumerate() {
            let user_agent = received.header("User-Agent").unwrap_or_default().to_owned();
            requests_of.entry(user_agent.clone()).or_default().push(request);
            let envelope = match Envelope::parse(&received.body) {
                Ok(envelope) => envelope,
                Err(error) => {
                    wrong.push(format!("garbage in request {request}: {error}"));
                    continue;
                }
            };
            if received.is_accepted() {
                for item in envelope.items_of("session") {
                    enter_session(&item.json(), &mut sessions);
                }
            }
            for item in envelope.items_of("event") {
                if let Err(error) = Mark::of_event(&item.json()) {
                    wrong.push(format!("garbage in request {request}: {error}"));
                }
                let id = envelope.event_id().unwrap_or_default().to_owned();
                match received.status {
                    Some(200..300) => {
                        accepted
                            .entry(id)
                            .or_default()
                            .push(Receipt { request, user_agent: user_agent.clone() });
                    }
                    Some(429) => _ = refused.insert(id),
                    status => {
                        if status.is_none() {
                            unanswered.insert(id.clone());
                        }
                        if self.is_always {
                            self.spooled.entry(id).or_insert("the server has seen it");
                        }
                    }
                }
            }
        }

        let lost: Vec<_> = self
            .spooled
            .iter()
            .filter(|(id, _)| !accepted.contains_key(*id) && !refused.contains(*id))
            .collect();
        if !lost.is_empty() {
            let told = &self.told;
            wrong.push(format!(
                "{} lost that were on disk, while children were told of {told:?}: {lost:?}",
                lost.len()
            ));
        }
        let mut at_once: BTreeMap<&str, usize> = BTreeMap::new();
        for (id, receipts) in &accepted {
            for pair in receipts.windows(2) {
                match self.explain(id, &pair[0], &requests_of) {
                    Ok(end) => *at_once.entry(&end.user_agent).or_default() += 1,
                    Err(error) => wrong.push(format!(
                        "{id} came with request {} of {} and again with {} of {}: {error}",
                        pair[0].request, pair[0].user_agent, pair[1].request, pair[1].user_agent
                    )),
                }
            }
        }
        for (session, ends) in sessions.iter().filter(|(_, ends)| ends.len() > 1) {
            wrong.push(format!("session {session} ended in more than one way: {ends:?}"));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let is_gone = |id: &&String| !accepted.contains_key(*id) && !refused.contains(*id);
        Ok(Totals {
            captured: self.captured.iter().chain(self.spooled.keys()).collect::<BTreeSet<_>>().len(),
            spooled: self.spooled.len(),
            delivered: accepted.len(),
            duplicates: at_once.values().sum(),
            ambiguous: unanswered.iter().filter(|id| accepted.contains_key(*id)).count(),
            refused: refused.len(),
            in_memory: self.captured.iter().filter(is_gone).count(),
            most_at_once: at_once.values().copied().max().unwrap_or(0),
            sessions: sessions.len(),
            ended: sessions.values().filter(|ends| !ends.is_empty()).count(),
            ..Totals::default()
        })
    }

    /// Why something was sent again that had been answered: its process ended before it had removed the file.
    fn explain(
        &self,
        id: &str,
        first: &Receipt,
        requests_of: &BTreeMap<String, Vec<usize>>,
    ) -> Result<&End, String> {
        let end = self.ends.iter().find(|end| end.user_agent == first.user_agent);
        let end = end.ok_or("its process has drained the directory")?;
        if end.on_disk.as_ref().is_some_and(|ids| !ids.contains(id)) {
            return Err("it was not on disk when its process had ended".into());
        }
        let requests = requests_of.get(&first.user_agent).map_or(&[][..], Vec::as_slice);
        let after = requests.len() - requests.partition_point(|request| *request <= first.request);
        if after > WIDTH { Err(format!("{after} requests had followed the answer")) } else { Ok(end) }
    }
}
