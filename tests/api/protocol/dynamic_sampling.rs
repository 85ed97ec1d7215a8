//! The dynamic sampling context.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::num::ParseFloatError;
use std::str::FromStr;

use sentry::protocol::{DynamicSamplingContext, InvalidSampleRandError, OrganizationId, SampleRand, TraceId};

const _: fn() -> DynamicSamplingContext = DynamicSamplingContext::new;
const _: fn(DynamicSamplingContext, String) -> DynamicSamplingContext =
    DynamicSamplingContext::with_environment;
const _: fn(DynamicSamplingContext, OrganizationId) -> DynamicSamplingContext =
    DynamicSamplingContext::with_org_id;
const _: fn(DynamicSamplingContext, String) -> DynamicSamplingContext =
    DynamicSamplingContext::with_public_key;
const _: fn(DynamicSamplingContext, String) -> DynamicSamplingContext = DynamicSamplingContext::with_release;
const _: fn(DynamicSamplingContext, SampleRand) -> DynamicSamplingContext =
    DynamicSamplingContext::with_sample_rand;
const _: fn(DynamicSamplingContext, f32) -> DynamicSamplingContext = DynamicSamplingContext::with_sample_rate;
const _: fn(DynamicSamplingContext, bool) -> DynamicSamplingContext = DynamicSamplingContext::with_sampled;
const _: fn(DynamicSamplingContext, TraceId) -> DynamicSamplingContext =
    DynamicSamplingContext::with_trace_id;
const _: fn(DynamicSamplingContext, String) -> DynamicSamplingContext =
    DynamicSamplingContext::with_transaction;
implements!(DynamicSamplingContext: Clone + Debug + Default + PartialEq);
wire!(DynamicSamplingContext);

implements!(SampleRand: Copy + Debug + Display + FromStr + PartialEq + TryFrom<f64>);
wire!(SampleRand);

const _: fn(InvalidSampleRandError) = |value| match value {
    InvalidSampleRandError::OutOfRange | InvalidSampleRandError::InvalidFloat(_) => {}
};
const _: fn(ParseFloatError) -> InvalidSampleRandError = InvalidSampleRandError::InvalidFloat;
implements!(InvalidSampleRandError: Debug + Display + Error + From<ParseFloatError>);

implements!(OrganizationId: Copy + Debug + Display + From<u64> + FromStr + PartialEq);
wire!(OrganizationId);
