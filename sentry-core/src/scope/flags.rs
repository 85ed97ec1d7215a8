//! Feature flags: the last ones that were evaluated, each once (protocol.md 17).

use std::sync::Arc;

use crate::protocol::{Context, FeatureFlag, FlagsContext};

/// Flags that are remembered.
const MAX: usize = 100;

/// The flags of one scope layer, oldest first. Cloning it is a snapshot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags(Option<Arc<Vec<Flag>>>);

/// The name of a flag, and what it evaluated to.
type Flag = (Arc<str>, bool);

impl Flags {
    /// Remembers an evaluation. One of the same flag before is forgotten.
    pub(crate) fn set(&mut self, flag: &str, result: bool) {
        let flags = Arc::make_mut(self.0.get_or_insert_default());
        let known = flags.iter().position(|(known, _)| **known == *flag);
        let name = match known {
            Some(index) => flags.remove(index).0,
            None => flag.into(),
        };
        if flags.len() >= MAX {
            flags.remove(0);
        }
        flags.push((name, result));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn same_as(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Flag> {
        self.0.iter().flat_map(|flags| flags.iter())
    }

    /// What layers show together, the lowest first.
    pub(crate) fn context<'a>(layers: impl Iterator<Item = &'a Self>) -> Option<Context> {
        let mut shown = Self::default();
        layers.flat_map(Self::iter).for_each(|(flag, result)| shown.set(flag, *result));
        let flag = |(flag, result): &Flag| FeatureFlag { flag: (**flag).to_owned(), result: *result };
        let values: Vec<_> = shown.iter().map(flag).collect();
        (!values.is_empty()).then(|| FlagsContext { values }.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::protocol::EnvelopeItem;
    use crate::test::with_captured_envelopes_options;
    use crate::{ClientOptions, TransactionContext, test::with_captured_events};

    fn flags(run: impl FnOnce()) -> serde_json::Value {
        let events = with_captured_events(|| {
            run();
            crate::capture_message("x", crate::Level::Error);
        });
        serde_json::to_value(events[0].contexts.get("flags")).unwrap()
    }

    #[test]
    fn the_latest_evaluation_counts_and_moves_to_the_end() {
        let flags = flags(|| {
            crate::add_feature_flag("a", true);
            crate::add_feature_flag("b", true);
            crate::add_feature_flag("a", false);
        });
        let expected = json!([{"flag": "b", "result": true}, {"flag": "a", "result": false}]);
        assert_eq!(flags["values"], expected);
    }

    #[test]
    fn a_hundred_are_remembered() {
        let flags = flags(|| (0..250).for_each(|index| crate::add_feature_flag(&format!("f{index}"), true)));
        let values = flags["values"].as_array().unwrap();
        assert_eq!(
            (values.len(), &values[0]["flag"], &values[99]["flag"]),
            (100, &json!("f150"), &json!("f249"))
        );
    }

    #[test]
    fn what_a_scope_evaluates_goes_with_it() {
        let flags = flags(|| {
            crate::add_feature_flag("outside", true);
            crate::with_scope(|_| {}, || crate::add_feature_flag("inside", true));
        });
        assert_eq!(flags["values"], json!([{"flag": "outside", "result": true}]));
    }

    #[test]
    fn an_event_without_flags_has_no_such_context() {
        assert!(flags(|| {}).is_null());
    }

    #[test]
    fn a_span_has_the_first_ten() {
        let envelopes = with_captured_envelopes_options(
            || {
                let transaction = crate::start_transaction(TransactionContext::new("t", "op"));
                let span = transaction.start_child("op", "d");
                crate::configure_scope(|scope| scope.set_span(Some(span.clone().into())));
                (0..12).for_each(|index| crate::add_feature_flag(&format!("f{index:02}"), index % 2 == 0));
                crate::add_feature_flag("f00", false);
                span.finish();
                transaction.finish();
            },
            ClientOptions::new().traces_sample_rate(1.0),
        );
        let Some(EnvelopeItem::Transaction(transaction)) = envelopes[0].items().next() else { panic!() };
        let data = &transaction.spans[0].data;
        let flags: Vec<_> = data.iter().filter(|(key, _)| key.starts_with("flag.evaluation.")).collect();
        assert_eq!(flags.len(), 10);
        assert_eq!(data["flag.evaluation.f00"], json!(false));
        assert!(!transaction.contexts.contains_key("flags"));
    }
}
