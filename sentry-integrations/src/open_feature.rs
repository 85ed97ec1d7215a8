//! Flags that are evaluated through OpenFeature, on events and spans (protocol.md 17).
//!
//! ```
//! use open_feature::OpenFeature;
//! use sentry_integrations::open_feature::FlagHook;
//!
//! # async fn f() {
//! let mut api = OpenFeature::singleton_mut().await;
//! api.add_hook(FlagHook::new()).await;
//! # }
//! ```
//!
//! Only flags that are true or false can be told. An event has the last hundred that were evaluated in its scope, a span the
//! first ten.

use open_feature::{
    EvaluationContext, EvaluationDetails, EvaluationError, Hook, HookContext, HookHints, Value, async_trait,
};

/// Remembers on the current scope which flags were evaluated, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct FlagHook;

impl FlagHook {
    /// The hook.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Hook for FlagHook {
    async fn before<'a>(
        &self,
        _: &HookContext<'a>,
        _: Option<&'a HookHints>,
    ) -> Result<Option<EvaluationContext>, EvaluationError> {
        Ok(None)
    }

    async fn after<'a>(
        &self,
        _: &HookContext<'a>,
        details: &EvaluationDetails<Value>,
        _: Option<&'a HookHints>,
    ) -> Result<(), EvaluationError> {
        note(&details.flag_key, Some(&details.value));
        Ok(())
    }

    /// The application goes on with the default.
    async fn error<'a>(&self, context: &HookContext<'a>, _: &EvaluationError, _: Option<&'a HookHints>) {
        note(context.flag_key, context.default_value.as_ref());
    }

    async fn finally<'a>(&self, _: &HookContext<'a>, _: &EvaluationDetails<Value>, _: Option<&'a HookHints>) {
    }
}

fn note(flag: &str, value: Option<&Value>) {
    if let Some(Value::Bool(result)) = value {
        sentry_core::add_feature_flag(flag, *result);
    }
}

#[cfg(test)]
mod tests {
    use open_feature::provider::{FeatureProvider, ProviderMetadata, ResolutionDetails};
    use open_feature::{EvaluationErrorCode, EvaluationResult, OpenFeature, StructValue};
    use sentry_core::protocol::Context;
    use sentry_core::test::with_captured_events;

    use super::*;

    /// Knows one flag of each type, and no other.
    struct Flags(ProviderMetadata);

    fn known<T>(flag: &str, value: T) -> EvaluationResult<ResolutionDetails<T>> {
        if flag.starts_with("known") {
            return Ok(ResolutionDetails::new(value));
        }
        Err(EvaluationError { code: EvaluationErrorCode::FlagNotFound, message: None })
    }

    #[async_trait]
    impl FeatureProvider for Flags {
        fn metadata(&self) -> &ProviderMetadata {
            &self.0
        }

        async fn resolve_bool_value(
            &self,
            flag: &str,
            _: &EvaluationContext,
        ) -> EvaluationResult<ResolutionDetails<bool>> {
            known(flag, true)
        }

        async fn resolve_int_value(
            &self,
            flag: &str,
            _: &EvaluationContext,
        ) -> EvaluationResult<ResolutionDetails<i64>> {
            known(flag, 7)
        }

        async fn resolve_float_value(
            &self,
            flag: &str,
            _: &EvaluationContext,
        ) -> EvaluationResult<ResolutionDetails<f64>> {
            known(flag, 0.5)
        }

        async fn resolve_string_value(
            &self,
            flag: &str,
            _: &EvaluationContext,
        ) -> EvaluationResult<ResolutionDetails<String>> {
            known(flag, "blue".into())
        }

        async fn resolve_struct_value(
            &self,
            flag: &str,
            _: &EvaluationContext,
        ) -> EvaluationResult<ResolutionDetails<StructValue>> {
            known(flag, StructValue::default())
        }
    }

    #[test]
    fn flags_that_are_evaluated_go_with_events() {
        let events = with_captured_events(|| {
            let evaluate = async {
                let mut api = OpenFeature::default();
                api.set_provider(Flags(ProviderMetadata::new("flags"))).await;
                let client = api.create_client().with_hook(FlagHook::new());
                assert_eq!(client.get_bool_value("known-on", None, None).await, Ok(true));
                assert_eq!(client.get_int_value("known-number", None, None).await, Ok(7));
                let _ = client.get_bool_value("unknown", None, None).await;
            };
            // Nothing in there has to wait.
            let mut evaluate = std::pin::pin!(evaluate);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(evaluate.as_mut().poll(&mut context).is_ready());
            sentry_core::capture_message("it broke", sentry_core::Level::Error);
        });
        let Some(Context::Flags(flags)) = events[0].contexts.get("flags") else { panic!("no flags") };
        let flags: Vec<_> = flags.values.iter().map(|flag| (flag.flag.as_str(), flag.result)).collect();
        assert_eq!(flags[0], ("known-on", true));
        assert!(flags.iter().all(|(flag, _)| *flag != "known-number"), "{flags:?}");
    }
}
