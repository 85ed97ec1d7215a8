//! Envelopes whose bytes nobody looks at.

use super::*;

#[test]
fn raw_envelopes_are_passed_on_as_they_are() {
    for raw in [&b""[..], b"garbage", b"{\"event_id\":\"x\"}\nab", &sample()] {
        let envelope = Envelope::from_bytes_raw(raw.to_vec()).unwrap();
        assert_eq!(bytes(&envelope), raw);
        assert_eq!((envelope.items().count(), envelope.event()), (0, None));
        assert_eq!(envelope.size_hint(), raw.len());
        assert_eq!(envelope.raw_bytes(), Some(raw));
        assert_eq!(envelope.is_empty(), raw.is_empty());
        let kept = envelope.clone().filter(|item: &EnvelopeItem| matches!(item, EnvelopeItem::Raw)).unwrap();
        assert_eq!(bytes(&kept), raw);
        assert_eq!(envelope.filter(|_: &EnvelopeItem| false), None);
    }
}

#[test]
fn a_raw_envelope_gets_sent_at_once() {
    let rest = "\n{\"type\":\"x\",\"length\":1}\n{\n";
    for (header, expected) in [
        (r#"{"event_id":"22d00b3fd1b14b5d8d2049d138cd8a9c"}"#, true),
        (r#" { "dsn":"https://k@host/1","x":1.50 }"#, true),
        (r#"{"sent_at":"2020-02-07T14:16:00Z"}"#, false),
        (r#"{"sent_at":null}"#, false),
        ("{}", false),
        ("garbage", false),
    ] {
        let raw = format!("{header}{rest}");
        let mut envelope = Envelope::from_bytes_raw(raw.clone().into_bytes()).unwrap();
        envelope.set_sent_at(at(0));
        let written = text(&envelope);
        if expected {
            let inserted = r#""sent_at":"1970-01-01T00:00:00Z","#;
            assert_eq!(written.replacen(inserted, "", 1), raw);
            assert_eq!(Envelope::from_slice(written.as_bytes()).unwrap().headers().sent_at(), Some(at(0)));
        } else {
            assert_eq!(written, raw);
        }
    }
}

#[test]
fn items_added_to_a_raw_envelope_follow_its_bytes() {
    let mut envelope =
        Envelope::from_bytes_raw(b"{\"a\":1}\n{\"type\":\"x\",\"length\":1}\na".to_vec()).unwrap();
    envelope.add_item(UnknownItem::new("y", [], b"b".to_vec()));
    let mut written = Vec::new();
    assert_eq!(envelope.write_to(&mut written).unwrap().items, 2);
    let read = Envelope::from_slice(&written).unwrap();
    assert_eq!(read.items().count(), 2);
}
