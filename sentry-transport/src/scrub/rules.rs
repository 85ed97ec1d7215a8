//! The options of the application in the form in which they are asked.

use sentry_core::ClientOptions;
use sentry_core::options::{DataCollection, ScrubField, ScrubLevel, ScrubRule};

use super::clean::What;
use super::keys::{Names, Secrecy};

/// Who wrote something down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// An integration: what identifies a person needs permission (protocol section 11.1).
    Automatic,
    /// The application itself.
    User,
}

/// What is taken out.
#[derive(Clone)]
pub(super) struct Rules {
    level: ScrubLevel,
    names: Names,
    skipped: Vec<ScrubField>,
    rule: Option<ScrubRule>,
    collection: DataCollection,
}

impl Rules {
    pub(super) fn new(options: &ClientOptions) -> Self {
        let scrub = &options.scrub;
        Self {
            level: scrub.level,
            names: Names::new(scrub),
            skipped: scrub.skip.clone(),
            rule: scrub.rule.clone(),
            collection: options.collection().into_owned(),
        }
    }

    /// The same, without the code of the application.
    pub(super) fn without_rule(&self) -> Self {
        Self { rule: None, ..self.clone() }
    }

    pub(super) fn is_off(&self) -> bool {
        self.level == ScrubLevel::Off
    }

    pub(super) fn covers(&self, field: ScrubField) -> bool {
        !self.skipped.contains(&field)
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    pub(super) fn rule(&self) -> Option<&ScrubRule> {
        self.rule.as_ref()
    }

    pub(super) fn hides_personal(&self, source: Source) -> bool {
        self.level == ScrubLevel::Strict || (source == Source::Automatic && !self.collection.user_info)
    }

    pub(super) fn hides_literals(&self, source: Source) -> bool {
        self.level == ScrubLevel::Strict
            || (source == Source::Automatic && !self.collection.database_query_data)
    }

    pub(super) fn hides_parameter(&self, name: &str) -> bool {
        self.names.is_wire_secret(name.as_bytes()) || !self.collection.url_query_params.shows(name)
    }

    pub(super) fn hides_cookie(&self, name: &str) -> bool {
        self.names.is_wire_secret(name.as_bytes()) || !self.collection.cookies.shows(name)
    }

    /// How the value of a header is read.
    pub(super) fn header(&self, name: &str) -> What {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("cookie") || is("set-cookie") {
            What::Cookies
        } else if is("user-agent") {
            What::Skip
        } else if self.names.is_wire_secret(name.as_bytes()) || !self.collection.request_headers.shows(name) {
            What::Secret
        } else {
            What::Text
        }
    }

    /// How a field of a body is read.
    pub(super) fn body_field(&self, name: &str) -> What {
        if self.names.is_wire_secret(name.as_bytes()) { What::Secret } else { What::Text }
    }

    /// How the field `name` is read of an object that is read as `what`.
    pub(super) fn within(&self, what: What, name: &str) -> What {
        match what {
            What::Secret | What::Skip => what,
            What::Headers => self.header(name),
            What::Cookies if self.hides_cookie(name) => What::Secret,
            What::Query if self.hides_parameter(name) => What::Secret,
            What::Body => self.body_field(name),
            What::Cookies | What::Query => What::Text,
            What::Sql | What::Text => self.named(name),
        }
    }

    /// How a value is read that stands under a name of the application's own, or one of the conventions.
    pub(super) fn named(&self, name: &str) -> What {
        if let Some(what) = self.conventional(name) {
            return what;
        }
        if self.names.secrecy(name.as_bytes()) != Secrecy::Clear || !self.names.allows(name) {
            What::Secret
        } else {
            What::Text
        }
    }

    fn conventional(&self, name: &str) -> Option<What> {
        let what = match name.as_bytes().first()? {
            b'c' | b'C' => match name {
                "cookies" | "cookie" | "Cookie" => What::Cookies,
                _ => return None,
            },
            b'd' => match name {
                "db.query.text" | "db.statement" => What::Sql,
                _ => return None,
            },
            b'h' | b'H' => match name {
                "headers" | "Headers" => What::Headers,
                "http.query" | "http.fragment" => What::Query,
                "http.request.body.data" | "http.response.body.data" => What::Body,
                _ => {
                    let header = name.strip_prefix("http.request.header.");
                    let header = header.or_else(|| name.strip_prefix("http.response.header."))?;
                    let cookie =
                        header.strip_prefix("cookie.").or_else(|| header.strip_prefix("set-cookie."));
                    match cookie {
                        Some(cookie) if self.hides_cookie(cookie) => What::Secret,
                        Some(_) => What::Text,
                        None => self.header(header),
                    }
                }
            },
            b'q' if name == "query_string" => What::Query,
            b'r' if name == "request_headers" || name == "response_headers" => What::Headers,
            b's' => match name.strip_prefix("sentry.")? {
                rest if rest.starts_with("message.") => return None,
                _ => What::Skip,
            },
            b'u' if name == "url.query" || name == "url.fragment" => What::Query,
            _ => return None,
        };
        Some(what)
    }
}
