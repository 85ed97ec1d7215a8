//! What integrations may write down of their own accord.

use std::borrow::Cow;

use crate::options::ClientOptions;
use crate::utils::{SECRET, contains};

/// Which values of a kind of data are shown. Names always are, unless nothing is.
///
/// ```
/// use sentry_core::options::KeyValue;
///
/// let rule = KeyValue::allow(["x-request-id", "x-api-key"]);
/// assert!(rule.shows("X-Request-Id"));
/// assert!(!rule.shows("Accept"), "not listed");
/// assert!(!rule.shows("X-Api-Key"), "secret by its name, whoever lists it");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyValue {
    /// None; nor are the names.
    Off,
    /// All but those whose names contain one of the terms, or one that always means a secret.
    DenyList(Vec<Cow<'static, str>>),
    /// Only those whose names contain one of the terms, and none that always means a secret.
    AllowList(Vec<Cow<'static, str>>),
}

impl KeyValue {
    /// All but those whose names contain one of `terms`, or one that always means a secret.
    pub fn deny<T: Into<Cow<'static, str>>>(terms: impl IntoIterator<Item = T>) -> Self {
        Self::DenyList(terms.into_iter().map(Into::into).collect())
    }

    /// Only those whose names contain one of `terms`, and none that always means a secret.
    pub fn allow<T: Into<Cow<'static, str>>>(terms: impl IntoIterator<Item = T>) -> Self {
        Self::AllowList(terms.into_iter().map(Into::into).collect())
    }

    /// Whether the names are written down at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        *self != Self::Off
    }

    /// Whether the value of `name` is shown. Upper and lower case are the same, and so are `_` and `-`.
    #[must_use]
    pub fn shows(&self, name: &str) -> bool {
        let any = |terms: &[Cow<'static, str>]| terms.iter().any(|term| contains_term(name, term));
        match self {
            Self::Off => false,
            Self::DenyList(terms) => !is_secret(name) && !any(terms),
            Self::AllowList(terms) => any(terms) && !is_secret(name),
        }
    }
}

impl Default for KeyValue {
    fn default() -> Self {
        Self::DenyList(Vec::new())
    }
}

/// Whether a header, cookie, parameter or field of this name holds a secret (protocol section 11.3).
#[must_use]
pub fn is_secret(name: &str) -> bool {
    SECRET.iter().any(|term| contains(name, term))
}

/// As [`contains`], for a term as a user writes it.
fn contains_term(name: &str, term: &str) -> bool {
    let same = |(a, b): (&u8, &u8)| {
        let fold = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
        fold(a) == fold(b)
    };
    !term.is_empty()
        && name.as_bytes().windows(term.len()).any(|window| window.iter().zip(term.as_bytes()).all(same))
}

/// The names of headers, cookies and parameters that tell who somebody is.
const PERSONAL: [&str; 5] = ["forwarded", "-ip", "remote-", "via", "-user"];
/// The names of cookies that hold a session or an identity.
const PERSONAL_COOKIES: [&str; 10] =
    [".sid", "sessid", "remember", "oidc", "pkce", "nonce", "__secure-", "__host-", "mfa", "2fa"];

/// A direction in which bodies of HTTP messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpBody {
    /// Of a request that is served.
    IncomingRequest,
    /// Of the answer to a request that was made.
    IncomingResponse,
    /// Of a request that is made.
    OutgoingRequest,
    /// Of the answer to a request that is served.
    OutgoingResponse,
}

/// What integrations may write down of their own accord (protocol section 11.2).
///
/// What the application sets itself, such as the user of a scope, does not depend on it. Secrets are taken out whatever
/// it says. Unset, it follows `send_default_pii`: see [`ClientOptions::collection`].
///
/// ```
/// use sentry_core::ClientOptions;
/// use sentry_core::options::{DataCollection, KeyValue};
///
/// let options = ClientOptions::new().data_collection(DataCollection {
///     user_info: false,
///     cookies: KeyValue::Off,
///     ..DataCollection::default()
/// });
/// assert!(options.collection().request_headers.shows("Accept"));
/// assert!(!options.collection().cookies.is_on());
/// ```
// Not `#[non_exhaustive]`, like `ClientOptions`: it is filled in with `..Default::default()`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct DataCollection {
    /// Id, name and addresses of the user.
    pub user_info: bool,
    /// Cookies.
    pub cookies: KeyValue,
    /// Headers of requests.
    pub request_headers: KeyValue,
    /// Headers of responses.
    pub response_headers: KeyValue,
    /// Which bodies.
    pub http_bodies: Vec<HttpBody>,
    /// Parameters in URLs.
    pub url_query_params: KeyValue,
    /// Documents of GraphQL.
    pub graphql_document: bool,
    /// Variables of GraphQL.
    pub graphql_variables: bool,
    /// What is asked of language models.
    pub gen_ai_inputs: bool,
    /// What they answer.
    pub gen_ai_outputs: bool,
    /// Parameters, literals and results of database queries.
    pub database_query_data: bool,
    /// Arguments of queued tasks.
    pub queues: bool,
    /// Paths of files that are opened.
    pub file_paths: bool,
    /// Local variables in stack traces.
    pub stack_frame_variables: KeyValue,
    /// How many source lines around a frame.
    pub frame_context_lines: u32,
}

impl Default for DataCollection {
    /// All of it, secrets aside.
    fn default() -> Self {
        use HttpBody::{IncomingRequest, IncomingResponse, OutgoingRequest, OutgoingResponse};
        Self {
            user_info: true,
            cookies: KeyValue::default(),
            request_headers: KeyValue::default(),
            response_headers: KeyValue::default(),
            http_bodies: vec![IncomingRequest, IncomingResponse, OutgoingRequest, OutgoingResponse],
            url_query_params: KeyValue::default(),
            graphql_document: true,
            graphql_variables: true,
            gen_ai_inputs: true,
            gen_ai_outputs: true,
            database_query_data: true,
            queues: true,
            file_paths: true,
            stack_frame_variables: KeyValue::default(),
            frame_context_lines: 5,
        }
    }
}

impl DataCollection {
    /// Nothing that may identify a person: what `send_default_pii = false` means.
    pub fn without_pii() -> Self {
        let headers = KeyValue::deny(PERSONAL.into_iter().chain(["cookie"]));
        Self {
            user_info: false,
            cookies: KeyValue::deny(PERSONAL.into_iter().chain(PERSONAL_COOKIES)),
            request_headers: headers.clone(),
            response_headers: headers,
            http_bodies: Vec::new(),
            url_query_params: KeyValue::deny(PERSONAL),
            graphql_document: false,
            graphql_variables: false,
            gen_ai_inputs: false,
            gen_ai_outputs: false,
            database_query_data: false,
            queues: false,
            file_paths: false,
            ..Self::default()
        }
    }

    /// Whether bodies of this direction are written down.
    #[must_use]
    pub fn has_body(&self, body: HttpBody) -> bool {
        self.http_bodies.contains(&body)
    }
}

impl ClientOptions {
    /// What integrations may write down: what `data_collection` says, else what follows from `send_default_pii`.
    #[must_use]
    pub fn collection(&self) -> Cow<'_, DataCollection> {
        match &self.data_collection {
            Some(collection) => Cow::Borrowed(collection),
            None if self.send_default_pii => Cow::Owned(DataCollection::default()),
            None => Cow::Owned(DataCollection::without_pii()),
        }
    }

    /// Sets what integrations may write down of their own accord. Wins over `send_default_pii`.
    pub fn data_collection(self, data_collection: DataCollection) -> Self {
        Self { data_collection: Some(data_collection), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explicit_rules_win_over_the_old_switch() {
        let untouched = ClientOptions::new();
        assert!(!untouched.collection().user_info);
        assert!(!untouched.collection().has_body(HttpBody::IncomingRequest));
        assert!(!untouched.collection().request_headers.shows("X-Forwarded-For"));
        assert!(!untouched.collection().cookies.shows("__Host-id"));
        let pii = ClientOptions::new().send_default_pii(true);
        assert!(pii.collection().user_info && pii.collection().request_headers.shows("X-Forwarded-For"));
        let explicit = pii.data_collection(DataCollection { user_info: false, ..DataCollection::default() });
        assert!(!explicit.collection().user_info);
        assert!(explicit.collection().has_body(HttpBody::OutgoingResponse));
    }

    #[test]
    fn secrets_are_secrets_under_every_rule() {
        for rule in [KeyValue::default(), KeyValue::allow(["token"]), KeyValue::allow([""]), KeyValue::Off] {
            assert!(!rule.shows("Access_Token"), "{rule:?}");
        }
        assert!(KeyValue::default().shows(""));
        assert!(!KeyValue::deny(["X_Real-ip"]).shows("x-real_IP"));
        assert!(!KeyValue::deny(["ä"]).shows("xä"));
    }
}
