//! Where the name of a transaction comes from.

/// Where the name of a transaction comes from: whether many requests share it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransactionSource {
    /// Something the software is made of.
    Component,
    /// The application has said so.
    #[default]
    Custom,
    /// The pattern of a URL, such as `/users/{id}`.
    Route,
    /// The name of a background job.
    Task,
    /// A URL as it came. It may hold anything, so it is not told to other services, and the server makes a pattern of it.
    Url,
    /// The code that answers.
    View,
}

impl TransactionSource {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Component => "component",
            Self::Custom => "custom",
            Self::Route => "route",
            Self::Task => "task",
            Self::Url => "url",
            Self::View => "view",
        }
    }
}
