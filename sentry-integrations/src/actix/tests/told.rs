//! What is told of a request.

use sentry_core::protocol::Request;

use super::*;

/// What the event of a request with a secret, a person and a body tells, after its handler has read the body or not.
fn told(options: ClientOptions, content_type: &'static str, reads: bool) -> Request {
    let envelopes = sent(options, async |builder| {
        let handler = move |payload: web::Payload| async move {
            if reads {
                let body = payload.to_bytes().await.unwrap();
                assert!(body.starts_with(b"{\"name\""));
            }
            capture_message("inside", Level::Info);
            HttpResponse::Ok().finish()
        };
        let app = App::new().wrap(builder.finish()).route("/users", web::post().to(handler));
        let body = r#"{"name":"jo","password":"hunter2"}"#;
        let request = TestRequest::post()
            .uri("/users?token=abc&a=b")
            .insert_header(("host", "shop.example"))
            .insert_header(("content-type", content_type))
            .insert_header(("content-length", body.len()))
            .insert_header(("authorization", "Bearer abc"))
            .insert_header(("x-forwarded-for", "203.0.113.7"))
            .insert_header(("cookie", "theme=dark; sid=abc"))
            .peer_addr("203.0.113.9:80".parse().unwrap())
            .set_payload(body);
        call_service(&init_service(app).await, request.to_request()).await;
    });
    events(&envelopes)[0].request.clone().unwrap()
}

#[test]
fn secrets_stay_and_persons_and_bodies_need_a_permission() {
    for allowed in [false, true] {
        let options = ClientOptions::new().send_default_pii(allowed);
        let request = told(options, "application/json; charset=utf-8", true);
        let address = if allowed { "203.0.113.7" } else { "[Filtered]" };
        assert_eq!(request.headers["x-forwarded-for"], address);
        assert_eq!(request.env.get("REMOTE_ADDR").map(String::as_str), allowed.then_some("203.0.113.9"));
        assert_eq!(request.headers["authorization"], "[Filtered]");
        assert_eq!(request.cookies.as_deref(), Some("theme=dark; sid=[Filtered]"));
        assert_eq!(request.query_string.as_deref(), Some("token=[Filtered]&a=b"));
        let body = request.data.unwrap_or_default();
        assert_eq!(body.contains("jo"), allowed, "{body}");
    }
}

#[test]
fn a_body_is_told_only_if_it_is_whole_readable_and_small_enough() {
    let options = || ClientOptions::new().send_default_pii(true);
    assert_eq!(told(options(), "application/json", false).data, None, "nobody has read it");
    assert_eq!(told(options(), "application/octet-stream", true).data, None);
    let small = options().max_request_body_size(sentry_core::MaxRequestBodySize::Explicit(9));
    assert_eq!(told(small, "application/json", true).data, None);
}
