//! What the fate of the test event means. Pure: from an outcome to rows.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use sentry_core::diagnostics::{Answer, Exchange, Failure, FailureKind};
use sentry_core::types::Scheme;
use sentry_core::{ClientOptions, clock};

use super::probe::Outcome;
use super::report::Row;

/// Clocks that differ by less are good enough: the server corrects what it can by `sent_at`.
const SKEW: Duration = Duration::from_secs(60);

/// The rows about TLS, the event and the clock. `connected`: a plain TCP connection came about.
pub(super) fn all(outcome: &Outcome, options: &ClientOptions, connected: Option<SocketAddr>) -> Vec<Row> {
    let https = options.dsn.as_ref().is_some_and(|dsn| dsn.scheme() == Scheme::Https);
    let mut rows = vec![tls(outcome, options, https, connected.is_some()), event(outcome, https)];
    if let Outcome::Answered(_, Exchange { outcome: Ok(answer), .. }) = outcome {
        rows.extend(answer.date.map(|date| skew(date, clock::now())));
    }
    rows
}

fn tls(outcome: &Outcome, options: &ClientOptions, https: bool, connected: bool) -> Row {
    if options.dsn.is_none() {
        return Row::skipped("tls", "there is no DSN");
    }
    if !https {
        return Row::skipped("tls", "not used: the DSN is http, and events travel in the clear");
    }
    let Outcome::Answered(_, exchange) = outcome else {
        return Row::skipped("tls", "not known: no request ended");
    };
    match &exchange.outcome {
        Ok(_) if options.accept_invalid_certs => Row::warn(
            "tls",
            "accept_invalid_certs is on: whoever is on the way can read and change everything",
            "switch it off, and add the certificate to `HttpOptions::ca_certificates`",
        ),
        Ok(_) => Row::ok("tls", "the certificate of the server is trusted"),
        Err(failure) => match tls_advice(&failure.explanation.to_ascii_lowercase()) {
            Some(fix) => Row::fail("tls", failure.explanation.as_str(), fix),
            None if failure.kind == FailureKind::Setup && !has_tls() => Row::fail(
                "tls",
                "the DSN is https, and no TLS is built in",
                "switch the cargo feature `rustls` or `native-tls` on",
            ),
            None if failure.kind == FailureKind::Connect && connected => Row::fail(
                "tls",
                "TCP connects, and no TLS session comes about",
                "make sure that the server speaks TLS on this port; otherwise write http:// in the DSN",
            ),
            None => Row::skipped("tls", "not known: the request ended before"),
        },
    }
}

fn has_tls() -> bool {
    cfg!(any(feature = "rustls-no-provider", feature = "native-tls"))
}

/// By the words of rustls and OpenSSL: the error types do not cross the sender.
fn tls_advice(explanation: &str) -> Option<&'static str> {
    let about = |words: &[&str]| words.iter().any(|word| explanation.contains(word));
    if about(&["no provider of rustls"]) {
        Some("install one before `sentry::init`, or use the feature `rustls`, which brings its own")
    } else if about(&["expired", "notvalidyet", "not valid yet"]) {
        Some("renew the certificate of the server, or correct the clock of this machine")
    } else if about(&[
        "unknownissuer",
        "unknown issuer",
        "self-signed",
        "self signed",
        "unable to get local issuer",
    ]) {
        Some(
            "add the certificate of the authority, or of the proxy in between, to `HttpOptions::ca_certificates`",
        )
    } else if about(&["notvalidforname", "not valid for name", "hostname mismatch"]) {
        Some("use the host in the DSN that the certificate of the server names")
    } else if about(&["corrupt message", "invalidcontenttype", "wrong version number", "record overflow"]) {
        Some(
            "something that does not speak TLS listens on this port: write http:// in the DSN, or correct the port",
        )
    } else if about(&["certificaterequired", "certificate required"]) {
        Some("the server wants to know who is there: set `HttpOptions::client_identity`")
    } else if about(&["certificate", "handshake", "fatal alert", "tls error", "ssl"]) {
        Some("check the certificate and the TLS versions of the server, and of a proxy in between")
    } else {
        None
    }
}

fn event(outcome: &Outcome, https: bool) -> Row {
    match outcome {
        Outcome::Answered(id, exchange) => match &exchange.outcome {
            Ok(answer) if (200..300).contains(&answer.status) => {
                let Exchange { took, .. } = exchange;
                Row::ok(
                    "event",
                    format!("accepted with status {} in {took:.1?}, event id {}", answer.status, id.simple()),
                )
            }
            Ok(answer) => rejected(answer, https),
            Err(failure) => unanswered(failure, https),
        },
        Outcome::Flushed { id, delivered: true, .. } => Row::ok(
            "event",
            format!("delivered, says the transport, which shows no answers; event id {}", id.simple()),
        ),
        Outcome::Flushed { error, .. } => Row::fail(
            "event",
            format!("not delivered: {}", error.as_deref().unwrap_or("the transport does not say why")),
            "look into the transport that `ClientOptions::transport` makes",
        ),
        Outcome::Silence(patience) => Row::fail(
            "event",
            format!("no answer within {patience:.1?}"),
            "find out why the server, or a proxy in front of it, accepts requests and does not answer them",
        ),
        Outcome::Off => Row::fail(
            "event",
            "there is nothing to send it with",
            "set a DSN, and switch the cargo feature `transport` on or set `ClientOptions::transport`",
        ),
        Outcome::Lost(why) => Row::fail(
            "event",
            format!("the test event {why}"),
            "look for event processors in the global scope, and into the transport of the options",
        ),
    }
}

fn rejected(answer: &Answer, https: bool) -> Row {
    let mut detail = format!("status {}", answer.status);
    for (name, text) in [("", &answer.detail), ("location ", &answer.location), ("limits ", &answer.limits)] {
        if let Some(text) = text {
            detail = format!("{detail}: {name}{text}");
        }
    }
    let to_https = answer.location.as_deref().is_some_and(|location| location.starts_with("https:"));
    let fix = match answer.status {
        300..=399 if to_https && !https => "the server wants TLS: write https:// in the DSN",
        300..=399 => {
            "redirects are not followed, for they would carry the key along: put the final address in the DSN"
        }
        400 => {
            "see what the server says: is what listens there a Sentry server, a Relay or another ingest endpoint?"
        }
        401 | 403 => {
            "the key is wrong, disabled or of another project: copy the DSN again from the project's settings"
        }
        404 | 405 => {
            "no such project, or no ingest endpoint there: check host, path and project id of the DSN"
        }
        407 => {
            "the proxy wants a password: write http://user:password@host:port in http_proxy and https_proxy"
        }
        408 | 504 => "the way to the server is too slow: look at the proxy in front of it",
        413 => "a proxy in front of the server does not even take small bodies: raise its limit to 20 MiB",
        429 => "a rate limit or the quota is used up: wait, or raise it in the settings of the project",
        502 | 503 => "a proxy answers, and the server behind it is away: start it",
        500..=599 => "the server failed: look into its log",
        _ => "what listens there does not behave like a Sentry server: check host and port of the DSN",
    };
    Row::fail("event", detail, fix)
}

fn unanswered(failure: &Failure, https: bool) -> Row {
    let fix = match failure.kind {
        FailureKind::Connect => "see the rows above: without a connection nothing arrives",
        FailureKind::Interrupted if https => "what listens there breaks off: check host and port of the DSN",
        FailureKind::Interrupted => {
            "what listens there does not speak plain http: write https:// in the DSN, or correct its host and port"
        }
        FailureKind::Setup => {
            "the transport cannot work with these options: check proxies, certificates and features"
        }
        FailureKind::Timeout => {
            "find out why the server, or a proxy in front of it, accepts requests and does not answer them"
        }
        _ => "check host and port of the DSN",
    };
    Row::fail("event", failure.explanation.as_str(), fix)
}

fn skew(server: SystemTime, here: SystemTime) -> Row {
    let (off, word) = match server.duration_since(here) {
        Ok(off) => (off, "behind"),
        Err(error) => (error.duration(), "ahead of"),
    };
    if off <= SKEW {
        return Row::ok("clock", "agrees with the server");
    }
    Row::warn(
        "clock",
        format!("{} s {word} the server", off.as_secs()),
        "set the clock of this machine (NTP): events from the future or of long ago are dropped or shown at wrong times",
    )
}

#[cfg(test)]
mod tests {
    use sentry_core::types::Uuid;

    use super::super::report::Status;
    use super::*;

    fn options(scheme: &str) -> ClientOptions {
        ClientOptions::new().dsn(&format!("{scheme}://key@host/42"))
    }

    fn outcome(result: Result<Answer, Failure>) -> Outcome {
        Outcome::Answered(Uuid::nil(), Exchange::new(Duration::from_millis(3), result))
    }

    fn fix(row: &Row) -> &str {
        row.fix.as_deref().unwrap_or_default()
    }

    #[test]
    fn every_status_but_success_says_what_to_do() {
        for (status, word) in [
            (301, "final address"),
            (400, "Relay"),
            (401, "key"),
            (403, "key"),
            (404, "project id"),
            (407, "password"),
            (413, "limit"),
            (429, "quota"),
            (500, "log"),
            (503, "away"),
            (999, "host and port"),
        ] {
            let row = event(&outcome(Ok(Answer::new(status))), false);
            assert_eq!(row.status, Status::Fail, "{status}");
            assert!(fix(&row).contains(word) && row.detail.contains(&status.to_string()), "{row:?}");
        }
        for status in [200, 202, 204] {
            assert_eq!(event(&outcome(Ok(Answer::new(status))), false).status, Status::Ok);
        }
    }

    #[test]
    fn a_redirect_to_https_is_understood() {
        let mut answer = Answer::new(308);
        answer.location = Some("https://host/api/42/envelope/".into());
        assert!(fix(&rejected(&answer, false)).contains("write https://"));
        assert!(fix(&rejected(&answer, true)).contains("final address"));
    }

    #[test]
    fn errors_of_tls_are_told_apart() {
        for (text, word) in [
            ("error sending request: invalid peer certificate: UnknownIssuer", "ca_certificates"),
            ("self-signed certificate in certificate chain", "ca_certificates"),
            ("invalid peer certificate: Expired", "renew"),
            ("invalid peer certificate: certificate not valid for name \"host\"", "names"),
            ("received corrupt message of type InvalidContentType", "http://"),
            ("received fatal alert: HandshakeFailure", "versions"),
        ] {
            let failure = outcome(Err(Failure::new(FailureKind::Connect, text)));
            let row = tls(&failure, &options("https"), true, true);
            assert!(row.status == Status::Fail && fix(&row).contains(word), "{row:?}");
        }
        let refused = outcome(Err(Failure::new(FailureKind::Connect, "refused")));
        assert_eq!(tls(&refused, &options("https"), true, false).status, Status::Skipped);
        assert_eq!(tls(&refused, &options("https"), true, true).status, Status::Fail);
        assert_eq!(tls(&refused, &options("http"), false, true).status, Status::Skipped);
        let trusted = outcome(Ok(Answer::new(500)));
        assert_eq!(tls(&trusted, &options("https"), true, true).status, Status::Ok);
        assert_eq!(
            tls(&trusted, &options("https").accept_invalid_certs(true), true, true).status,
            Status::Warn
        );
    }

    #[test]
    fn clocks_may_differ_by_a_minute() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert_eq!(skew(now + SKEW, now).status, Status::Ok);
        let behind = skew(now + Duration::from_secs(3_600), now);
        assert!(behind.status == Status::Warn && behind.detail.contains("3600 s behind"), "{behind:?}");
        assert!(skew(now, now + Duration::from_secs(90)).detail.contains("90 s ahead of"));
    }

    #[test]
    fn whatever_came_of_the_event_has_a_row() {
        let id = Uuid::nil();
        let table = [
            (Outcome::Flushed { id, delivered: true, error: None }, Status::Ok),
            (Outcome::Flushed { id, delivered: false, error: Some("no".into()) }, Status::Fail),
            (Outcome::Silence(SKEW), Status::Fail),
            (Outcome::Off, Status::Fail),
            (Outcome::Lost("was lost"), Status::Fail),
            (outcome(Err(Failure::new(FailureKind::Timeout, "late"))), Status::Fail),
            (outcome(Err(Failure::new(FailureKind::Interrupted, "cut"))), Status::Fail),
            (outcome(Err(Failure::new(FailureKind::Setup, "cannot"))), Status::Fail),
        ];
        for (outcome, expected) in table {
            let row = event(&outcome, false);
            assert!(row.status == expected && (row.fix.is_some() == (expected == Status::Fail)), "{row:?}");
        }
    }
}
