//! The sender over libcurl.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use curl::easy::{Easy, List};
use sentry_core::options::HttpOptions;
use sentry_core::types::Scheme;
use sentry_core::{TransportOptions, clock, diagnostics};

use super::blocking::Exchange;
use super::{Deadline, Request, Response, SendError};

/// What a handle is set up with.
pub(crate) struct CurlConfig {
    proxy: Option<Cow<'static, str>>,
    http: HttpOptions,
    accept_any: bool,
}

impl CurlConfig {
    pub(crate) fn new(options: &TransportOptions) -> Self {
        let https = options.dsn.scheme() == Scheme::Https;
        Self {
            proxy: if https { options.https_proxy.clone() } else { options.http_proxy.clone() },
            http: options.http.clone(),
            accept_any: options.accept_invalid_certs,
        }
    }

    fn set_up(&self, easy: &mut Easy) -> Result<(), curl::Error> {
        let http = &self.http;
        easy.connect_timeout(http.connect_timeout)?;
        // An empty text says that the environment is not to be asked.
        easy.proxy(self.proxy.as_deref().unwrap_or(""))?;
        if let Some(exempt) = &http.no_proxy {
            // Other senders take `.suffix` for a suffix, curl takes any name for one.
            easy.noproxy(&exempt.replace(",.", ",").trim_start_matches('.').replace(' ', ""))?;
        }
        easy.ssl_verify_peer(!self.accept_any)?;
        easy.ssl_verify_host(!self.accept_any)?;
        if !http.ca_certificates.is_empty() {
            easy.ssl_cainfo_blob(&http.ca_certificates.join(&b"\n"[..]))?;
        }
        if let Some(pem) = &http.client_identity {
            easy.ssl_cert_type("PEM")?;
            easy.ssl_cert_blob(pem)?;
            easy.ssl_key_blob(pem)?;
        }
        if let Some(path) = &http.unix_socket {
            easy.unix_socket_path(Some(path))?;
        }
        Ok(())
    }

    /// Leads `easy` to the addresses that the application's function knows.
    fn look_up(&self, easy: &mut Easy, url: &str) -> Result<(), SendError> {
        let (Some(resolver), Some((host, port))) = (&self.http.resolver, authority(url)) else {
            return Ok(());
        };
        let found = catch_unwind(AssertUnwindSafe(|| resolver(host)))
            .map_err(|_| SendError::connect().with_source("the resolver panicked"))?;
        let found = found.map_err(|error| SendError::connect().with_source(error))?;
        let Some(first) = found.first() else {
            return Err(SendError::connect().with_source("the resolver knows no address"));
        };
        let address = |found: &SocketAddr| match found.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        let addresses: Vec<_> = found.iter().map(address).collect();
        // A port of 0 stands for the port that is asked for.
        let new_port = if first.port() == 0 { port } else { first.port() };
        let (mut known, mut elsewhere) = (List::new(), List::new());
        known.append(&format!("{host}:{new_port}:{}", addresses.join(","))).map_err(setup)?;
        elsewhere.append(&format!("{host}:{port}:{host}:{new_port}")).map_err(setup)?;
        easy.resolve(known).and_then(|()| easy.connect_to(elsewhere)).map_err(setup)
    }
}

/// Sends over handles that keep their connections.
pub(crate) struct CurlExchange {
    config: Option<CurlConfig>,
    /// Handles that are not in use.
    handles: Mutex<Vec<Easy>>,
}

impl CurlExchange {
    /// Sets its handles up itself.
    pub(crate) fn new(config: CurlConfig) -> Self {
        Self { config: Some(config), handles: Mutex::default() }
    }

    /// Uses the application's handle, and no other.
    pub(crate) fn with_client(easy: Easy) -> Self {
        Self { config: None, handles: Mutex::new(vec![easy]) }
    }

    fn handle(&self) -> Result<Easy, SendError> {
        let free = self.handles.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match (free, &self.config) {
            (Some(easy), _) => Ok(easy),
            (None, None) => Err(SendError::connect().with_source("the handle of the application is in use")),
            (None, Some(config)) => {
                let mut easy = Easy::new();
                config.set_up(&mut easy).map_err(setup).inspect_err(|error| {
                    diagnostics::warn_once("http client", || error.explain());
                })?;
                Ok(easy)
            }
        }
    }

    fn post(&self, easy: &mut Easy, request: &Request, left: Duration) -> Result<Response, SendError> {
        if let Some(config) = &self.config {
            config.look_up(easy, request.url())?;
        }
        prepare(easy, request, left).map_err(setup)?;
        let (mut head, mut response) = (Vec::new(), Response::new(0));
        let performed = {
            let mut transfer = easy.transfer();
            let answered = transfer
                .header_function(|line| {
                    head.push(String::from_utf8_lossy(line).into_owned());
                    head.len() < 256
                })
                // Less than what came ends the transfer: the status has said everything that decides.
                .and_then(|()| {
                    transfer
                        .write_function(|piece| Ok(if response.extend_body(piece) { piece.len() } else { 0 }))
                })
                .and_then(|()| transfer.perform());
            answered.err()
        };
        let status = easy.response_code().unwrap_or_default();
        match performed {
            // Cut or late behind the status: that is an answer.
            Some(error) if status == 0 || !(error.is_write_error() || error.is_partial_file()) => {
                let has_connected = easy.connect_time().is_ok_and(|time| !time.is_zero());
                return Err(translate(&error, has_connected));
            }
            _ => {}
        }
        let mut answer = Response::new(u16::try_from(status).unwrap_or_default());
        for (name, value) in head.iter().filter_map(|line| line.split_once(':')) {
            answer = answer.with_header(name.trim(), value.trim());
        }
        answer.extend_body(response.body());
        Ok(answer)
    }
}

impl Exchange for CurlExchange {
    fn exchange(&self, request: Request, deadline: Deadline) -> Result<Response, SendError> {
        let left = deadline.remaining(clock::instant());
        if left.is_zero() {
            return Err(SendError::connect());
        }
        let mut easy = self.handle()?;
        let answer = self.post(&mut easy, &request, left);
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).push(easy);
        answer
    }
}

/// Host and port of a URL of ours.
fn authority(url: &str) -> Option<(&str, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    let default = if scheme == "https" { 443 } else { 80 };
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => Some((host, port.parse().ok()?)),
        _ => Some((authority, default)),
    }
}

fn prepare(easy: &mut Easy, request: &Request, left: Duration) -> Result<(), curl::Error> {
    // A signal in a process that is not ours would hit whoever comes first.
    easy.signal(false)?;
    easy.url(request.url())?;
    // A redirect would carry the key to somewhere else.
    easy.follow_location(false)?;
    easy.timeout(left.max(Duration::from_millis(1)))?;
    easy.post(true)?;
    easy.post_fields_copy(request.body())?;
    let mut headers = List::new();
    for (name, value, _secret) in request.headers() {
        headers.append(&format!("{name}: {value}"))?;
    }
    // Without this, curl waits a second for leave to send a large body.
    headers.append("expect:")?;
    easy.http_headers(headers)
}

fn translate(error: &curl::Error, has_connected: bool) -> SendError {
    let was_never_connected = error.is_couldnt_connect()
        || error.is_couldnt_resolve_host()
        || error.is_couldnt_resolve_proxy()
        || error.is_ssl_connect_error()
        || error.is_peer_failed_verification();
    let is_wrong = error.is_url_malformed()
        || error.is_ssl_cacert_badfile()
        || error.is_ssl_certproblem()
        // Also what curl says of an answer that is no HTTP.
        || (error.is_unsupported_protocol() && !has_connected);
    let kind = if is_wrong {
        SendError::setup()
    } else if was_never_connected || (error.is_operation_timedout() && !has_connected) {
        SendError::connect()
    } else if error.is_operation_timedout() {
        SendError::timeout()
    } else {
        SendError::interrupted()
    };
    // The description names neither the address nor a header.
    kind.with_source(error.description().to_owned())
}

fn setup(error: curl::Error) -> SendError {
    SendError::setup().with_source(error.description().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_of_a_url_is_its_host_and_port() {
        assert_eq!(authority("http://host/api/"), Some(("host", 80)));
        assert_eq!(authority("https://host/api/"), Some(("host", 443)));
        assert_eq!(authority("https://host:8443/api/"), Some(("host", 8443)));
        assert_eq!(authority("http://[::1]:9/api/"), Some(("[::1]", 9)));
        assert_eq!(authority("http://[::1]/api/"), Some(("[::1]", 80)));
        assert_eq!(authority("nonsense"), None);
    }
}
