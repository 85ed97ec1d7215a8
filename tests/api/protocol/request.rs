//! Requests and users.

use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::net::IpAddr;
use std::str::FromStr;

use sentry::protocol::{IpAddress, Map, Request, Url, User, Value};

fields!(Request {
    cookies: Option<String>,
    data: Option<String>,
    env: Map<String, String>,
    headers: Map<String, String>,
    method: Option<String>,
    query_string: Option<String>,
    url: Option<Url>,
});
implements!(Request: Clone + Debug + Default + PartialEq);
wire!(Request);

fields!(User {
    email: Option<String>,
    id: Option<String>,
    ip_address: Option<IpAddress>,
    other: Map<String, Value>,
    username: Option<String>,
});
implements!(User: Clone + Debug + Default + PartialEq);
wire!(User);

const _: fn(IpAddress) = |value| match value {
    IpAddress::Auto | IpAddress::Exact(_) => {}
};
const _: fn(IpAddr) -> IpAddress = IpAddress::Exact;
implements!(IpAddress: Copy + Debug + Default + Display + From<IpAddr> + FromStr + Hash + Ord +
    PartialEq<IpAddr> + PartialOrd<IpAddr>);
wire!(IpAddress);
