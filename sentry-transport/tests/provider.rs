//! TLS by the cryptography that the application installs for its process, which is why this is a program with one test.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sentry_core::options::HttpOptions;
use sentry_core::protocol::Event;
use sentry_core::{ClientOptions, Transport, TransportOptions};
use sentry_transport::transports;

type Make = fn(TransportOptions) -> Arc<dyn Transport>;

const LONG: Duration = Duration::from_secs(60);

const SENDERS: &[(&str, Make)] = &[
    #[cfg(feature = "reqwest")]
    ("reqwest", |options| Arc::new(transports::ReqwestHttpTransportOptions::from(options).build())),
    #[cfg(feature = "ureq")]
    ("ureq", |options| Arc::new(transports::UreqHttpTransportOptions::from(options).build())),
];

/// A server with TLS that says yes to everything, its authority, and the number of requests it got.
fn serve() -> (SocketAddr, String, Arc<AtomicUsize>) {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    #[expect(clippy::disallowed_methods, reason = "a server of the test")]
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut reader = BufReader::new(StreamOwned::new(tls, connection));
            if read(&mut reader).is_some() {
                counter.fetch_add(1, Ordering::SeqCst);
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
                let _ = reader.get_mut().write_all(answer).and_then(|()| reader.get_mut().flush());
            }
        }
    });
    (address, authority.pem(), requests)
}

/// Reads one request with a body of known length.
fn read(reader: &mut impl BufRead) -> Option<()> {
    let (mut length, mut line) = (None, String::new());
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
        line.clear();
    }
    reader.read_exact(&mut vec![0; length?]).ok()
}

/// Only reqwest sets TLS up for servers that are asked without.
#[cfg(feature = "ureq")]
fn plain_http_needs_no_provider() {
    let server = ingest::Server::start();
    let options = ClientOptions { dsn: server.dsn().parse().ok(), ..ClientOptions::default() };
    let options = TransportOptions::try_from_client_options(&options).unwrap();
    let transport = transports::UreqHttpTransportOptions::from(options).build();
    transport.send_envelope(Event::default().into());
    assert!(transport.flush(LONG));
    assert_eq!(server.accepted_events().len(), 1);
}

#[test]
fn the_provider_of_the_process_is_used_as_soon_as_there_is_one() {
    #[cfg(feature = "ureq")]
    plain_http_needs_no_provider();
    let mut waiting = Vec::new();
    for (name, make) in SENDERS {
        let (address, authority, requests) = serve();
        let options = ClientOptions {
            dsn: format!("https://key@localhost:{}/1", address.port()).parse().ok(),
            http: HttpOptions {
                ca_certificates: vec![authority.into_bytes().into()],
                // So that the name leads here whatever the machine says of it.
                resolver: Some(Arc::new(move |_| Ok(vec![address]))),
                ..HttpOptions::default()
            },
            ..ClientOptions::default()
        };
        let transport = make(TransportOptions::try_from_client_options(&options).unwrap());
        transport.send_envelope(Event::default().into());
        if cfg!(feature = "rustls") {
            assert!(transport.flush(LONG), "{name}: `rustls` needs none");
        } else {
            assert!(!transport.flush(Duration::from_millis(500)), "{name}: there is none");
            assert_eq!(requests.load(Ordering::SeqCst), 0, "{name}");
        }
        waiting.push((name, transport, requests));
    }
    assert!(rustls::crypto::CryptoProvider::get_default().is_none(), "none was installed behind our back");
    rustls::crypto::ring::default_provider().install_default().unwrap();
    for (name, transport, requests) in waiting {
        assert!(transport.flush(LONG), "{name}: what waited is sent");
        assert_eq!(requests.load(Ordering::SeqCst), 1, "{name}");
        transport.send_envelope(Event::default().into());
        assert!(transport.flush(LONG), "{name}");
        assert_eq!(requests.load(Ordering::SeqCst), 2, "{name}");
        assert!(transport.shutdown(LONG), "{name}");
    }
}
