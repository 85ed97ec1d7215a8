//! Handshakes that succeed and handshakes that must not, with certificates made for the test. One suite, instantiated per
//! sender at the end.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, Stream};
use sentry_core::options::HttpOptions;
use sentry_core::{ClientOptions, TransportOptions, clock};

use super::{Deadline, Request, Response, SendError, Sender};
use crate::driver::Runtime;

/// A sender to be examined.
#[derive(Clone, Copy)]
struct Subject {
    make: fn(&TransportOptions) -> Arc<dyn Sender>,
    runtime: Runtime,
}

static AUTHORITIES: AtomicUsize = AtomicUsize::new(0);

/// An authority, and what it has signed.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        // OpenSSL goes by names: one of its own for each, and not that of what it signs.
        let number = AUTHORITIES.fetch_add(1, Ordering::Relaxed);
        params.distinguished_name.push(DnType::CommonName, format!("authority {number}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for `name` and its key.
    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// Options that trust it.
    fn trusted(&self) -> HttpOptions {
        HttpOptions { ca_certificates: vec![self.pem().into()], ..HttpOptions::default() }
    }
}

/// A server with a certificate of `authority`; it may ask for one of its clients. Counts requests.
fn serve(authority: &Authority, asks: bool) -> (SocketAddr, Arc<AtomicUsize>) {
    let (certificate, key) = authority.sign("localhost");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if asks {
        let mut roots = RootCertStore::empty();
        roots.add(authority.0.der().clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    #[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
    let _ = rustls::crypto::ring::default_provider().install_default();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    #[expect(clippy::disallowed_methods, reason = "a server of the test")]
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = Stream::new(&mut tls, &mut connection);
            let mut request = [0; 4096];
            if stream.read(&mut request).is_ok_and(|read| read > 0) {
                counter.fetch_add(1, Ordering::SeqCst);
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
                let _ = stream.flush();
            }
        }
    });
    (address, requests)
}

impl Subject {
    fn exchange(
        self,
        address: SocketAddr,
        http: HttpOptions,
        accept_any: bool,
    ) -> Result<Response, SendError> {
        let port = address.port();
        let options = ClientOptions {
            dsn: format!("https://key@localhost:{port}/1").parse().ok(),
            accept_invalid_certs: accept_any,
            // So that the name leads here whatever the machine says of it.
            http: HttpOptions { resolver: Some(Arc::new(move |_| Ok(vec![address]))), ..http },
            ..ClientOptions::default()
        };
        let sender = (self.make)(&TransportOptions::try_from_client_options(&options).unwrap());
        let request = Request::new(format!("https://localhost:{port}/api/1/envelope/"), b"{}\n".to_vec());
        let answer = std::sync::Mutex::new(None);
        self.runtime.driver().unwrap().block_on(Box::pin(async {
            let deadline = Deadline::after(clock::instant(), Duration::from_secs(10));
            *answer.lock().unwrap() = Some(sender.send(request, deadline).await);
        }));
        answer.into_inner().unwrap().unwrap()
    }
}

fn a_server_whose_authority_is_trusted_is_reached(subject: Subject) {
    let authority = Authority::new();
    let (address, requests) = serve(&authority, false);
    assert_eq!(subject.exchange(address, authority.trusted(), false).unwrap().status(), 200);
    // Several authorities in one text and several texts are all trusted.
    let bundle = [Authority::new().pem(), authority.pem()].concat();
    let http = HttpOptions {
        ca_certificates: vec![Authority::new().pem().into(), bundle.into()],
        ..HttpOptions::default()
    };
    assert_eq!(subject.exchange(address, http, false).unwrap().status(), 200);
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

fn a_server_of_an_unknown_authority_gets_nothing_unless_anything_is_accepted(subject: Subject) {
    let (address, requests) = serve(&Authority::new(), false);
    let error = subject.exchange(address, HttpOptions::default(), false).unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    assert!(subject.exchange(address, Authority::new().trusted(), false).unwrap_err().is_connect());
    assert_eq!(requests.load(Ordering::SeqCst), 0);
    assert_eq!(subject.exchange(address, HttpOptions::default(), true).unwrap().status(), 200);
}

fn a_server_that_asks_who_is_there_is_told(subject: Subject) {
    let authority = Authority::new();
    let (address, requests) = serve(&authority, true);
    assert!(subject.exchange(address, authority.trusted(), false).is_err());
    assert_eq!(requests.load(Ordering::SeqCst), 0);
    let (certificate, key) = authority.sign("client");
    let identity = format!("{}{}", certificate.pem(), key.serialize_pem()).into_bytes();
    let known = HttpOptions { client_identity: Some(identity.into()), ..authority.trusted() };
    assert_eq!(subject.exchange(address, known, false).unwrap().status(), 200);
}

fn a_certificate_that_cannot_be_read_is_a_clear_error(subject: Subject) {
    let authority = Authority::new();
    let (address, requests) = serve(&authority, false);
    for pem in
        [&b"no certificate"[..], b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        let http = HttpOptions { ca_certificates: vec![pem.into()], ..HttpOptions::default() };
        let error = subject.exchange(address, http, false).unwrap_err();
        assert!(error.is_permanent() || error.is_connect(), "{error:?}");
        let http = HttpOptions { client_identity: Some(pem.into()), ..authority.trusted() };
        let error = subject.exchange(address, http, false).unwrap_err();
        assert!(error.is_permanent(), "{error:?}");
    }
    // A key of somebody else.
    let ((certificate, _), (_, key)) = (authority.sign("client"), authority.sign("client"));
    let identity = format!("{}{}", certificate.pem(), key.serialize_pem()).into_bytes();
    let http = HttpOptions { client_identity: Some(identity.into()), ..authority.trusted() };
    let error = subject.exchange(address, http, false).unwrap_err();
    assert!(error.is_permanent(), "{error:?}");
    assert_eq!(requests.load(Ordering::SeqCst), 0);
}

/// The suite for one sender.
macro_rules! handshakes {
    ($name:ident, $make:expr, $runtime:expr) => {
        mod $name {
            const SUBJECT: super::Subject = super::Subject { make: $make, runtime: $runtime };
            handshakes!(SUBJECT:
                a_server_whose_authority_is_trusted_is_reached,
                a_server_of_an_unknown_authority_gets_nothing_unless_anything_is_accepted,
                a_server_that_asks_who_is_there_is_told,
                a_certificate_that_cannot_be_read_is_a_clear_error,
            );
        }
    };
    ($subject:ident: $($check:ident,)+) => {$(
        #[test]
        fn $check() {
            super::$check($subject);
        }
    )+};
}

#[cfg(feature = "reqwest")]
handshakes!(
    over_reqwest,
    |options| {
        use super::super::reqwest::{ClientConfig, ReqwestSender};
        std::sync::Arc::new(ReqwestSender::new(ClientConfig::new(options)))
    },
    crate::driver::Runtime::Tokio
);

#[cfg(feature = "ureq")]
handshakes!(
    over_ureq,
    |options| {
        use super::super::blocking::Blocking;
        use super::super::ureq::{AgentConfig, UreqExchange};
        std::sync::Arc::new(Blocking::new(UreqExchange::new(AgentConfig::new(options)), None))
    },
    crate::driver::Runtime::Park
);

#[cfg(feature = "curl")]
handshakes!(
    over_curl,
    |options| {
        use super::super::blocking::Blocking;
        use super::super::curl::{CurlConfig, CurlExchange};
        std::sync::Arc::new(Blocking::new(CurlExchange::new(CurlConfig::new(options)), None))
    },
    crate::driver::Runtime::Park
);
