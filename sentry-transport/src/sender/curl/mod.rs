//! The sender over libcurl.

mod answer;

use std::cell::RefCell;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use curl::Version;
use curl::easy::{Easy, List, ReadError};
use sentry_core::options::HttpOptions;
use sentry_core::types::Scheme;
use sentry_core::{TransportOptions, clock, diagnostics, process};

use self::answer::Reader;
use super::blocking::Exchange;
use super::{Deadline, POOL_IDLE, Request, Response, SendError, proxy};

/// What a handle is set up with.
pub(crate) struct CurlConfig {
    proxy: Option<String>,
    http: HttpOptions,
    https: bool,
    accept_any: bool,
}

impl CurlConfig {
    pub(crate) fn new(options: &TransportOptions) -> Self {
        // What libcurl speaks besides http depends on how it was built; it says so when it is asked.
        let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
        Self {
            proxy: proxy::choose(options, &schemes).map(str::to_owned),
            http: options.http.clone(),
            https: options.dsn.scheme() == Scheme::Https,
            accept_any: options.accept_invalid_certs,
        }
    }

    fn handle(&self) -> Result<Easy, SendError> {
        if self.https && !Version::get().feature_ssl() {
            diagnostics::warn_once("tls", || {
                "the DSN is https, but libcurl was built without TLS, which the feature `rustls` or `native-tls` adds: \
                 nothing can be sent"
                    .into()
            });
            return Err(SendError::setup());
        }
        // The first one initialises libcurl: not half, for a child.
        let mut easy = process::without_fork(Easy::new);
        let done = self.set_up(&mut easy).map_err(setup);
        done.inspect_err(|error| diagnostics::warn_once("http client", || error.explain()))?;
        Ok(easy)
    }

    fn set_up(&self, easy: &mut Easy) -> Result<(), curl::Error> {
        let http = &self.http;
        easy.connect_timeout(http.connect_timeout)?;
        // Older ones do not know it.
        let _ = easy.maxage_conn(POOL_IDLE);
        // An empty text says that the environment is not to be asked.
        easy.proxy(self.proxy.as_deref().unwrap_or(""))?;
        easy.noproxy("")?;
        easy.ssl_verify_peer(!self.accept_any)?;
        easy.ssl_verify_host(!self.accept_any)?;
        if !http.ca_certificates.is_empty() {
            // In place of the platform's file of authorities; its directory still counts, where there is one.
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
        if self.http.unix_socket.is_some() || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
            return Ok(());
        }
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
        match (self.handles().pop(), &self.config) {
            (Some(easy), _) => Ok(easy),
            (None, Some(config)) => config.handle(),
            (None, None) => Err(SendError::connect().with_source("the handle of the application is in use")),
        }
    }

    /// Keeps `easy` for the next request, unless what it knows of the host is out of date: then all handles of ours go.
    fn give_back(&self, easy: Easy, error: Option<&SendError>) {
        let is_stale = error.is_some_and(|error| error.is_connect() || error.is_timeout());
        let mut handles = self.handles();
        if self.config.is_none() || !is_stale {
            handles.push(easy);
            return;
        }
        let stale = std::mem::take(&mut *handles);
        drop(handles);
        drop((easy, stale));
    }

    fn handles(&self) -> MutexGuard<'_, Vec<Easy>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self, easy: &mut Easy, request: &Request, left: Duration) -> Result<Response, SendError> {
        if let Some(config) = &self.config {
            config.look_up(easy, request.url())?;
        }
        prepare(easy, request, left).map_err(setup)?;
        let reader = RefCell::new(Reader::default());
        let performed = {
            let mut body = request.is_streamed().then(|| request.clone().into_reader());
            let mut transfer = easy.transfer();
            transfer
                .read_function(move |piece| match &mut body {
                    Some(body) => body.read(piece).map_err(|_| ReadError::Abort),
                    None => Ok(0),
                })
                .and_then(|()| {
                    transfer.header_function(|line| reader.borrow_mut().head(line, clock::instant()))
                })
                .and_then(|()| {
                    // Less than what came ends the transfer.
                    transfer.write_function(|piece| {
                        Ok(if reader.borrow_mut().body(piece) { piece.len() } else { 0 })
                    })
                })
                .and_then(|()| {
                    transfer.progress_function(|_, _, _, _| reader.borrow().is_patient(clock::instant()))
                })
                .and_then(|()| transfer.perform())
        };
        let answer = reader.into_inner().finish();
        match (performed, answer) {
            // Cut or late behind the head: the status has said everything that decides.
            (_, Some(answer)) => Ok(answer),
            (Err(error), None) => {
                let has_connected = easy.connect_time().is_ok_and(|time| !time.is_zero());
                Err(translate(&error, has_connected))
            }
            (Ok(()), None) => Err(SendError::interrupted().with_source("the answer has no head")),
        }
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
        self.give_back(easy, answer.as_ref().err());
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
    // So that the progress is asked for.
    easy.progress(true)?;
    easy.timeout(left.max(Duration::from_millis(1)))?;
    easy.post(true)?;
    if request.is_streamed() {
        easy.post_field_size(request.length())?;
    } else {
        easy.post_fields_copy(request.body())?;
    }
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
        // A key that is not that of its certificate.
        || error.is_bad_function_argument()
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
