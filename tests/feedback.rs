//! What users have to say, as a server gets it.

use std::sync::Arc;
use std::time::Duration;

use ingest::{Item, Server};
use sentry::protocol::client_report::{Category, Reason};
use sentry::protocol::{Attachment, FileAttachment};
use sentry::{Client, ClientOptions, Feedback, Hub, Level};

fn sent(options: ClientOptions, capture: impl FnOnce()) -> (Server, Arc<Client>) {
    let server = Server::start();
    let client = Arc::new(Client::from(sentry::apply_defaults(options.dsn(&server.dsn()))));
    Hub::run(Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default())), capture);
    assert!(client.close(Some(Duration::from_secs(20))));
    (server, client)
}

fn names(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.headers["filename"].as_str().unwrap()).collect()
}

#[test]
fn it_arrives_with_everything_that_can_be_said() {
    let (server, _) = sent(ClientOptions::new().release("shop@1"), || {
        sentry::configure_scope(|scope| scope.set_tag("page", "cart"));
        let id = sentry::capture_message("it broke", Level::Error);
        let feedback = Feedback::new("It broke when I paid.")
            .name("Jane")
            .email("jane@example.com")
            .url("https://shop.example.com/cart")
            .event(id)
            .screenshot(b"\x89PNG\r\n".to_vec())
            .file(FileAttachment::new(concat!(env!("CARGO_MANIFEST_DIR"), "/LICENSE")));
        assert!(!sentry::capture_feedback(feedback).is_nil());
    });
    let [envelope] =
        &server.envelopes().into_iter().filter(|it| it.items_of("feedback").count() > 0).collect::<Vec<_>>()
            [..]
    else {
        panic!("one envelope with feedback")
    };
    let feedback = envelope.items_of("feedback").next().unwrap().json();
    let said = &feedback["contexts"]["feedback"];
    assert_eq!((&said["message"], &said["name"]), (&"It broke when I paid.".into(), &"Jane".into()));
    assert_eq!(said["contact_email"], "jane@example.com");
    assert_eq!(said["url"], "https://shop.example.com/cart");
    assert_eq!(said["associated_event_id"], server.events()[0]["event_id"]);
    assert_ne!(said["associated_event_id"], feedback["event_id"]);
    assert_eq!((&feedback["tags"]["page"], &feedback["release"]), (&"cart".into(), &"shop@1".into()));
    assert!(feedback["threads"].is_null() && feedback["exception"].is_null());
    let files: Vec<Item> = envelope.items_of("attachment").cloned().collect();
    assert_eq!(names(&files), ["screenshot.png", "LICENSE"]);
    assert_eq!(files[0].headers["content_type"], "image/png");
    assert_eq!(files[1].payload.len(), include_bytes!("../LICENSE").len());
}

#[test]
fn a_file_that_is_too_large_stays_behind_and_the_words_arrive() {
    let file = |name: &str, bytes| Attachment {
        buffer: vec![7; bytes],
        filename: name.into(),
        ..Attachment::default()
    };
    let (server, client) = sent(ClientOptions::new().max_attachment_size(100), || {
        sentry::capture_feedback(
            Feedback::new("x").attachment(file("small", 100)).attachment(file("large", 101)),
        );
    });
    assert_eq!(server.items("feedback").len(), 1);
    assert_eq!(names(&server.items("attachment")), ["small"]);
    let lost = client.stats().losses;
    let of_files = lost.iter().filter(|item| item.category() == Category::Attachment);
    assert_eq!(of_files.map(|item| item.quantity()).collect::<Vec<_>>(), [101]);
}

#[test]
fn its_own_callback_changes_or_drops_it() {
    let options = ClientOptions::new().before_send(|_| None).before_send_feedback(|mut event| {
        event.tags.insert("seen".into(), "yes".into());
        (event.user.is_none()).then_some(event)
    });
    let (server, client) = sent(options, || {
        sentry::capture_feedback(Feedback::new("kept"));
        sentry::configure_scope(|scope| scope.set_user(Some(sentry::User::default())));
        sentry::capture_feedback(Feedback::new("dropped"));
    });
    let [item] = &server.items("feedback")[..] else { panic!("one") };
    assert_eq!((item.json()["tags"]["seen"].as_str(), server.events().len()), (Some("yes"), 0));
    let lost = client.stats().losses;
    let of_feedback = lost.iter().filter(|item| item.category() == Category::Feedback);
    assert_eq!(
        of_feedback.map(|item| (item.reason(), item.quantity())).collect::<Vec<_>>(),
        [(Reason::BeforeSend, 1)]
    );
}
