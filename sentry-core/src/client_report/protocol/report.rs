use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{Category, ItemLoss, Reason};
use crate::protocol::timestamp;

/// What a client lost since its last report, for the statistics of the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    #[serde(default, with = "timestamp::seconds::option", skip_serializing_if = "Option::is_none")]
    timestamp: Option<SystemTime>,
    discarded_events: Vec<Item>,
}

impl Report {
    /// A report of `items`, as of now.
    pub fn new<I>(items: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Item>,
    {
        Self {
            timestamp: Some(crate::clock::now()),
            discarded_events: items.into_iter().map(Into::into).collect(),
        }
    }

    /// What was lost.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.discarded_events
    }
}

/// One line of a [`Report`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    reason: Reason,
    category: Category,
    quantity: u64,
}

impl Item {
    /// So much of `category`, lost for `reason`.
    #[must_use]
    pub fn new(category: Category, reason: Reason, quantity: u64) -> Self {
        Self { reason, category, quantity }
    }

    /// It and so much more.
    pub(crate) fn with_more(self, quantity: u64) -> Self {
        Self { quantity: self.quantity.saturating_add(quantity), ..self }
    }

    /// What was lost.
    #[must_use]
    pub fn category(&self) -> Category {
        self.category
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// How much.
    #[must_use]
    pub fn quantity(&self) -> u64 {
        self.quantity
    }
}

impl From<Item> for ItemLoss {
    fn from(item: Item) -> Self {
        Self::new(item.category, item.quantity).with_reason(item.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_another_sdk_is_read() {
        let json = r#"{"timestamp":"2020-02-07T14:16:00Z",
            "discarded_events":[{"reason":"queue_overflow","category":"error","quantity":23}]}"#;
        let report: Report = serde_json::from_str(json).unwrap();
        assert_eq!(report.items(), [Item::new(Category::Error, Reason::QueueOverflow, 23)]);
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"timestamp":1581084960,"discarded_events":[{"reason":"queue_overflow","category":"error","quantity":23}]}"#
        );
        assert_eq!(serde_json::from_str::<Report>(r#"{"discarded_events":[]}"#).unwrap().items(), []);
    }
}
