//! What integrations may write down of their own accord.
//!
//! ```text
//! integration ─► DataCollection::permit, header, cookies, query, url, user ─► event, span, breadcrumb ─► Scrubber
//!                what nobody permitted is not written down at all            secrets go, whatever was permitted
//! ```

mod gate;
mod key_value;

use std::borrow::Cow;

pub use self::key_value::{KeyValue, is_secret};
use crate::options::ClientOptions;

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
    /// The name of the host, where the application says none. On servers it tells which one, on a laptop often whose.
    pub server_name: bool,
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
            server_name: true,
        }
    }
}

impl DataCollection {
    /// Nothing that may identify a person: what `send_default_pii = false` means. The name of the host is technical
    /// (protocol section 11.1) and stays.
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
    ///
    /// Made of lists, so an integration asks once and keeps it.
    #[must_use]
    pub fn collection(&self) -> Cow<'_, DataCollection> {
        match &self.data_collection {
            Some(collection) => Cow::Borrowed(collection),
            None if self.send_default_pii => Cow::Owned(DataCollection::default()),
            None => Cow::Owned(DataCollection::without_pii()),
        }
    }

    /// Whether the name of the host may be written down where the application says none.
    #[must_use]
    pub fn collects_server_name(&self) -> bool {
        self.data_collection.as_ref().is_none_or(|collection| collection.server_name)
    }

    /// Whether bodies of this kind may be written down, without making the lists of [`collection`](Self::collection).
    #[must_use]
    pub fn collects_body(&self, body: HttpBody) -> bool {
        self.data_collection.as_ref().map_or(self.send_default_pii, |collection| collection.has_body(body))
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
        assert!(!untouched.collects_body(HttpBody::IncomingRequest));
        assert!(!untouched.collection().request_headers.shows("X-Forwarded-For"));
        assert!(!untouched.collection().cookies.shows("__Host-id"));
        let pii = ClientOptions::new().send_default_pii(true);
        assert!(pii.collection().user_info && pii.collection().request_headers.shows("X-Forwarded-For"));
        let explicit = pii.data_collection(DataCollection { user_info: false, ..DataCollection::default() });
        assert!(!explicit.collection().user_info);
        assert!(explicit.collection().has_body(HttpBody::OutgoingResponse));
        assert!(explicit.collects_body(HttpBody::OutgoingResponse));
    }
}
