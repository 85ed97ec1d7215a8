//! Sessions that are only counted: those of requests.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::Status;
use crate::envelope::{EnvelopeItem, UnknownItem};
use crate::protocol::{SessionAggregateItem, SessionAggregates, SessionAttributes};

/// Buckets of one item (protocol.md 1.6).
const MAX_BUCKETS: usize = 100;

/// How the sessions that began in one minute ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    exited: u32,
    errored: u32,
    abnormal: u32,
    unhandled: u32,
    crashed: u32,
}

/// Counts by minute and by whose session it was.
type Minutes = BTreeMap<(u64, Option<String>), Counts>;

/// Sessions counted by what they have in common.
#[derive(Debug, Default)]
pub(super) struct Tally {
    // Few: one for each release and environment that this process calls itself.
    by_attributes: Vec<(SessionAttributes<'static>, Minutes)>,
}

impl Tally {
    pub(super) fn is_empty(&self) -> bool {
        self.by_attributes.is_empty()
    }

    /// How many buckets there are.
    pub(super) fn len(&self) -> usize {
        self.by_attributes.iter().map(|(_, minutes)| minutes.len()).sum()
    }

    pub(super) fn count(
        &mut self,
        attributes: &SessionAttributes<'static>,
        started: SystemTime,
        distinct_id: Option<&str>,
        status: Status,
        errors: u64,
    ) {
        let minute = started.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 60);
        let known = self.by_attributes.iter().position(|(known, _)| known == attributes);
        let index = known.unwrap_or_else(|| {
            self.by_attributes.push((attributes.clone(), Minutes::new()));
            self.by_attributes.len() - 1
        });
        let counts = self.by_attributes[index].1.entry((minute, distinct_id.map(str::to_owned))).or_default();
        let count = match status {
            Status::Crashed => &mut counts.crashed,
            Status::Abnormal => &mut counts.abnormal,
            Status::Unhandled => &mut counts.unhandled,
            Status::Ok | Status::Exited if errors > 0 => &mut counts.errored,
            Status::Ok | Status::Exited => &mut counts.exited,
        };
        *count = count.saturating_add(1);
    }

    /// All of it as items of an envelope.
    pub(super) fn items(self) -> Vec<EnvelopeItem> {
        let mut items = Vec::new();
        for (attributes, minutes) in self.by_attributes {
            let mut minutes = minutes.into_iter().peekable();
            while minutes.peek().is_some() {
                items.push(item(&attributes, minutes.by_ref().take(MAX_BUCKETS).collect()));
            }
        }
        items
    }
}

type Buckets = Vec<((u64, Option<String>), Counts)>;

fn item(attributes: &SessionAttributes<'static>, buckets: Buckets) -> EnvelopeItem {
    let is_unhandled = buckets.iter().any(|(_, counts)| counts.unhandled > 0);
    let bucket = |((minute, distinct_id), counts): &((u64, Option<String>), Counts)| SessionAggregateItem {
        started: UNIX_EPOCH + Duration::from_secs(minute * 60),
        distinct_id: distinct_id.clone(),
        exited: counts.exited,
        errored: counts.errored,
        abnormal: counts.abnormal,
        crashed: counts.crashed,
    };
    let published: Vec<_> = buckets.iter().map(bucket).collect();
    if !is_unhandled {
        let aggregates = SessionAggregates { aggregates: published, attributes: attributes.clone() };
        return EnvelopeItem::SessionAggregates(aggregates);
    }
    // The published type has no place for them.
    let aggregates = published
        .into_iter()
        .zip(&buckets)
        .map(|(published, (_, counts))| Bucket { published, unhandled: counts.unhandled })
        .collect();
    let payload = serde_json::to_vec(&Aggregates { aggregates, attrs: attributes }).unwrap_or_default();
    EnvelopeItem::Unknown(UnknownItem::new("sessions", [], payload))
}

#[derive(Serialize)]
struct Aggregates<'a> {
    aggregates: Vec<Bucket>,
    attrs: &'a SessionAttributes<'static>,
}

#[derive(Serialize)]
struct Bucket {
    #[serde(flatten)]
    published: SessionAggregateItem,
    #[serde(skip_serializing_if = "is_zero")]
    unhandled: u32,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}
