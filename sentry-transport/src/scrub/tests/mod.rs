//! Tests of the scrubber as a whole.

mod corpus;
mod cost;
pub(crate) mod dice;
mod hostile;
mod items;
mod oracle;
mod settings;
