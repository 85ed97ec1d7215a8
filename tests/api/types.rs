//! `sentry::types`: the DSN and its pieces, authentication, identifiers.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;
use std::time::SystemTime;

use sentry::protocol::client_report::Category;
use sentry::protocol::{Event, OrganizationId, Url};
use sentry::types::protocol::LATEST;
use sentry::types::{
    self, Auth, BreakpadFormat, CodeId, DebugId, Dsn, IndexedEnum, ParseAuthError, ParseCodeIdError,
    ParseDebugIdError, ParseDsnError, ParseProjectIdError, ProjectId, Scheme, Uuid, UuidVariant, UuidVersion,
};

const _: fn(&Auth) -> Option<&str> = Auth::client_agent;
const _: fn(&[u8]) -> Result<Auth, ParseAuthError> = Auth::from_querystring;
const _: fn(&Auth) -> bool = Auth::is_public;
const _: fn(&Auth) -> &str = Auth::public_key;
const _: fn(&Auth) -> Option<&str> = Auth::secret_key;
const _: fn(&Auth) -> Option<SystemTime> = Auth::timestamp;
const _: fn(&Auth) -> u16 = Auth::version;
const _: fn([(&'static str, &'static str); 1]) -> Result<Auth, ParseAuthError> = Auth::from_pairs;
const _: fn(Vec<(String, String)>) -> Result<Auth, ParseAuthError> = Auth::from_pairs;
implements!(Auth: Clone + Debug + Display + FromStr);
wire!(Auth);

const _: fn(&Dsn) -> Url = Dsn::envelope_api_url;
const _: fn(&Dsn) -> &str = Dsn::host;
const _: fn(&Dsn) -> Option<OrganizationId> = Dsn::org_id;
const _: fn(&Dsn) -> &str = Dsn::path;
const _: fn(&Dsn) -> u16 = Dsn::port;
const _: fn(&Dsn) -> &ProjectId = Dsn::project_id;
const _: fn(&Dsn) -> &str = Dsn::public_key;
const _: fn(&Dsn) -> Scheme = Dsn::scheme;
const _: fn(&Dsn) -> Option<&str> = Dsn::secret_key;
const _: fn(&Dsn) -> Url = Dsn::store_api_url;
const _: fn(&Dsn, Option<&str>) -> Auth = Dsn::to_auth;
implements!(Dsn: Clone + Debug + Display + Eq + FromStr + Hash);
wire!(Dsn);

const _: fn(ParseAuthError) = |value| match value {
    ParseAuthError::InvalidVersion | ParseAuthError::MissingPublicKey | ParseAuthError::NonSentryAuth => {}
};
implements!(ParseAuthError: Copy + Debug + Display + Eq + Error);

const _: fn(ParseDsnError) = |value| match value {
    ParseDsnError::InvalidScheme
    | ParseDsnError::InvalidUrl
    | ParseDsnError::NoProjectId
    | ParseDsnError::NoUsername
    | ParseDsnError::InvalidProjectId(_) => {}
};
const _: fn(ParseProjectIdError) -> ParseDsnError = ParseDsnError::InvalidProjectId;
implements!(ParseDsnError: Debug + Display + Error + From<ParseProjectIdError>);

const _: fn(ParseProjectIdError) = |value| match value {
    ParseProjectIdError::EmptyValue => {}
};
implements!(ParseProjectIdError: Debug + Display + Error + Ord);

const _: fn(&str) -> ProjectId = ProjectId::new;
const _: fn(&ProjectId) -> &str = ProjectId::value;
implements!(ProjectId: Clone + Debug + Display + FromStr + Hash + Ord);
wire!(ProjectId);

const _: fn(Scheme) = |value| match value {
    Scheme::Http | Scheme::Https => {}
};
const _: fn(Scheme) -> u16 = Scheme::default_port;
implements!(Scheme: Copy + Debug + Display + Hash + Ord);

const _: fn() -> Uuid = types::random_uuid;
const _: fn(&Uuid) -> UuidVariant = Uuid::get_variant;
const _: fn(&Uuid) -> Option<UuidVersion> = Uuid::get_version;
const _: fn(&'static DebugId) -> BreakpadFormat<'static> = DebugId::breakpad;
const _: fn(&str) -> Result<CodeId, ParseCodeIdError> = str::parse;
const _: fn(&str) -> Result<DebugId, ParseDebugIdError> = str::parse;
const _: &[Category] = <Category as IndexedEnum>::VARIANTS;
const _: fn(&Category) -> usize = IndexedEnum::as_index;

const _: u16 = LATEST;
const _: fn(types::protocol::v7::Event<'static>) -> types::protocol::latest::Event<'static> = |same| same;
const _: fn(types::protocol::latest::Event<'static>) -> Event<'static> = |same| same;

#[test]
fn the_parts_of_a_dsn() {
    let dsn: Dsn = "https://key:secret@o7.ingest.example.com:8443/path/42".parse().expect("a DSN");
    assert_eq!(
        (dsn.scheme(), dsn.host(), dsn.port(), dsn.path()),
        (Scheme::Https, "o7.ingest.example.com", 8443, "/path/")
    );
    assert_eq!((dsn.public_key(), dsn.secret_key(), dsn.project_id().value()), ("key", Some("secret"), "42"));
    assert_eq!(dsn.org_id(), Some(OrganizationId::from(7)));
    assert_eq!(dsn.envelope_api_url().path(), "/path/api/42/envelope/");
    assert_eq!(dsn.store_api_url().path(), "/path/api/42/store/");
    let auth = dsn.to_auth(Some("shop/1.0"));
    assert_eq!((auth.public_key(), auth.client_agent(), auth.version()), ("key", Some("shop/1.0"), LATEST));
}
