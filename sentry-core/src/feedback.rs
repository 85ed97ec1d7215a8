//! What a user has to say (protocol.md 16).

use crate::client::{self, Client};
use crate::client_report::protocol::{Category, Reason};
use crate::diagnostics;
use crate::envelope::EnvelopeItem;
use crate::hub::Hub;
use crate::protocol::{Attachment, Context, FeedbackContext, FileAttachment, Level};
use crate::scope::{Scope, ScopeSnapshot};
use crate::suppress::is_suppressed;
use crate::types::Uuid;

/// Characters of a message; the server refuses longer ones.
const MAX_MESSAGE: usize = 4_096;

/// Bytes of a picture that is shown as a screenshot.
const MAX_SCREENSHOT: usize = 2 * 1_000 * 1_000;

/// What a user has to say, and what goes with it.
///
/// ```
/// use sentry_core::{Feedback, protocol::EnvelopeItem, test::with_captured_envelopes};
///
/// let envelopes = with_captured_envelopes(|| {
///     sentry_core::capture_feedback(Feedback::new("The button does nothing.").email("jane@example.com"));
/// });
/// assert!(matches!(envelopes[0].items().next(), Some(EnvelopeItem::Feedback(_))));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "feedback is sent by `capture_feedback`"]
pub struct Feedback {
    context: FeedbackContext,
    attachments: Vec<EnvelopeItem>,
}

impl Feedback {
    /// Feedback with these words. What is beyond 4,096 characters is cut off.
    pub fn new<M: Into<String>>(message: M) -> Self {
        Self {
            context: FeedbackContext { message: message.into(), ..Default::default() },
            attachments: Vec::new(),
        }
    }

    /// Sets the name of the user.
    pub fn name<N: Into<String>>(mut self, name: N) -> Self {
        self.context.name = Some(name.into());
        self
    }

    /// Sets where to reach the user.
    pub fn email<E: Into<String>>(mut self, email: E) -> Self {
        self.context.contact_email = Some(email.into());
        self
    }

    /// Sets the page that the user was on.
    pub fn url<U: Into<String>>(mut self, url: U) -> Self {
        self.context.url = Some(url.into());
        self
    }

    /// Sets the event that the user refers to; see [`last_event_id`](crate::last_event_id).
    pub fn event(mut self, id: Uuid) -> Self {
        self.context.associated_event_id = Some(id);
        self
    }

    /// Adds a file, such as a picture of the screen.
    pub fn attachment(mut self, attachment: Attachment) -> Self {
        self.attachments.push(attachment.into());
        self
    }

    /// Adds a file that is read when it is sent.
    pub fn file(mut self, file: FileAttachment) -> Self {
        self.attachments.push(file.into());
        self
    }

    /// Adds a picture of the screen: the bytes of a PNG or JPEG file. Servers show it as such if it has less than 2 MB.
    pub fn screenshot(self, picture: Vec<u8>) -> Self {
        if picture.len() >= MAX_SCREENSHOT {
            diagnostics::warn_once("screenshot", || {
                format!(
                    "a screenshot has {} bytes; servers show only those below {MAX_SCREENSHOT}",
                    picture.len()
                )
            });
        }
        let (filename, content_type) = match &picture[..] {
            [0xff, 0xd8, 0xff, ..] => ("screenshot.jpg", "image/jpg"),
            _ => ("screenshot.png", "image/png"),
        };
        self.attachment(Attachment {
            buffer: picture,
            filename: filename.to_owned(),
            content_type: Some(content_type.to_owned()),
            ty: None,
        })
    }
}

/// Captures feedback on the current hub. Returns the id of its event: nil if it was dropped or no client is active.
///
/// The attachments of the scope go with it, as they go with events.
#[expect(clippy::must_use_candidate, reason = "called for its effect")]
pub fn capture_feedback(feedback: Feedback) -> Uuid {
    if !client::any_live() {
        return Uuid::nil();
    }
    Hub::current().capture_feedback(feedback)
}

impl Hub {
    /// Captures feedback. Returns the id of its event: nil if it was dropped.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn capture_feedback(&self, feedback: Feedback) -> Uuid {
        let Some((client, scope)) = self.for_telemetry(Category::Feedback) else { return Uuid::nil() };
        client.write_feedback(feedback, scope)
    }
}

impl Client {
    /// Captures feedback with the given scope. Returns the id of its event: nil if it was dropped.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn capture_feedback(&self, feedback: Feedback, scope: &Scope) -> Uuid {
        if !self.is_enabled() || is_suppressed() {
            return Uuid::nil();
        }
        self.write_feedback(feedback, scope.snapshot())
    }

    fn write_feedback(&self, feedback: Feedback, scope: ScopeSnapshot) -> Uuid {
        let Feedback { mut context, mut attachments } = feedback;
        if context.message.trim().is_empty() {
            self.lose_feedback(&attachments, Reason::Invalid);
            return Uuid::nil();
        }
        if let Some((end, _)) = context.message.char_indices().nth(MAX_MESSAGE) {
            context.message.truncate(end);
        }
        attachments.extend(scope.attachments().into_iter().map(EnvelopeItem::from));
        attachments.extend(scope.files().map(|file| FileAttachment::clone(file).into()));
        let event = crate::protocol::Event {
            level: Level::Info,
            contexts: [("feedback".to_owned(), Context::Feedback(Box::new(context)))].into(),
            ..Default::default()
        };
        self.send_feedback(event, attachments, scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClientOptions;
    use crate::protocol::{Envelope, EnvelopeItem, Event};
    use crate::test::with_captured_envelopes_options;

    fn sent(options: ClientOptions, run: impl FnOnce()) -> Vec<Envelope> {
        with_captured_envelopes_options(run, options)
    }

    fn event(envelope: &Envelope) -> &Event<'static> {
        match envelope.items().next() {
            Some(EnvelopeItem::Feedback(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    fn context(event: &Event<'_>) -> FeedbackContext {
        match &event.contexts["feedback"] {
            Context::Feedback(context) => (**context).clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_carries_the_scope_and_its_files() {
        let envelopes = sent(ClientOptions::new().release("app@1"), || {
            crate::configure_scope(|scope| scope.set_tag("page", "cart"));
            let id = crate::capture_message("it broke", Level::Error);
            let file =
                Attachment { buffer: b"png".to_vec(), filename: "screen.png".into(), ..Default::default() };
            let feedback =
                Feedback::new("It broke.").name("Jane").email("j@x").url("/cart").event(id).attachment(file);
            assert!(!capture_feedback(feedback).is_nil());
        });
        let event = event(&envelopes[1]);
        assert_eq!((event.tags["page"].as_str(), event.release.as_deref()), ("cart", Some("app@1")));
        let context = context(event);
        assert_eq!((context.message.as_str(), context.name.as_deref()), ("It broke.", Some("Jane")));
        assert_eq!(context.associated_event_id, envelopes[0].event().map(|event| event.event_id));
        assert_ne!(context.associated_event_id, Some(event.event_id));
        assert!(matches!(envelopes[1].items().nth(1), Some(EnvelopeItem::Attachment(_))));
    }

    #[test]
    fn what_the_scope_attaches_goes_with_it() {
        let file = |name: &str| Attachment { filename: name.into(), ..Default::default() };
        let envelopes = sent(ClientOptions::new(), || {
            crate::configure_scope(|scope| {
                scope.add_attachment(file("log.txt"));
                scope.add_attachment_path("Cargo.toml");
            });
            capture_feedback(Feedback::new("x").attachment(file("screen.png")));
        });
        let mut bytes = Vec::new();
        envelopes[0].to_writer(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let names: Vec<_> =
            text.split("\"filename\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(names, ["screen.png", "log.txt", "Cargo.toml"]);
    }

    #[test]
    fn neither_sampling_nor_before_send_touch_it() {
        let options = ClientOptions::new().sample_rate(0.0).before_send(|_| None);
        let envelopes = sent(options, || _ = capture_feedback(Feedback::new("x")));
        assert_eq!(envelopes.len(), 1);
    }

    #[test]
    fn processors_and_its_own_callback_see_it() {
        let options =
            ClientOptions::new().before_send_feedback(|event| (event.tags["keep"] == "yes").then_some(event));
        let envelopes = sent(options, || {
            for keep in ["yes", "no"] {
                crate::with_scope(
                    |scope| {
                        scope.add_event_processor(move |mut event| {
                            event.tags.insert("keep".into(), keep.into());
                            Some(event)
                        });
                    },
                    || _ = capture_feedback(Feedback::new("x")),
                );
            }
        });
        assert_eq!(envelopes.len(), 1);
    }

    #[test]
    fn a_picture_of_the_screen_is_named_as_servers_expect() {
        let envelopes = sent(ClientOptions::new(), || {
            let feedback =
                Feedback::new("x").screenshot(vec![0xff, 0xd8, 0xff, 0xe0]).screenshot(b"\x89PNG".to_vec());
            capture_feedback(feedback.file(FileAttachment::new("/nowhere/app.log")));
        });
        let files = envelopes[0].items().filter_map(|item| match item {
            EnvelopeItem::Attachment(file) => Some((file.filename.as_str(), file.content_type.as_deref())),
            EnvelopeItem::FileAttachment(file) => Some((file.filename.as_str(), None)),
            _ => None,
        });
        let expected =
            [("screenshot.jpg", Some("image/jpg")), ("screenshot.png", Some("image/png")), ("app.log", None)];
        assert_eq!(files.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_dropped_is_counted_with_its_files() {
        use crate::client_report::protocol::Item;

        let lost = |options: ClientOptions, message: &str| {
            let totals = options.client_report_recorder.clone();
            let file = Attachment { buffer: vec![0; 7], ..Attachment::default() };
            sent(options, || assert!(capture_feedback(Feedback::new(message).attachment(file)).is_nil()));
            let mut lost: Vec<_> = totals
                .totals()
                .iter()
                .map(|item: &Item| (item.reason(), item.category(), item.quantity()))
                .collect();
            lost.sort_by_key(|(_, _, quantity)| *quantity);
            lost
        };
        let refused = lost(ClientOptions::new().before_send_feedback(|_| None), "x");
        assert!(refused.contains(&(Reason::BeforeSend, Category::Feedback, 1)), "{refused:?}");
        assert!(refused.contains(&(Reason::BeforeSend, Category::Attachment, 7)), "{refused:?}");
        let panicked = lost(ClientOptions::new().before_send_feedback(|_| panic!("by the test")), "x");
        assert!(panicked.contains(&(Reason::CallbackError, Category::Feedback, 1)), "{panicked:?}");
        let empty = lost(ClientOptions::new(), " ");
        assert!(empty.contains(&(Reason::Invalid, Category::Feedback, 1)), "{empty:?}");
        assert!(empty.contains(&(Reason::Invalid, Category::Attachment, 7)), "{empty:?}");
    }

    #[test]
    fn silence_is_no_feedback_and_a_novel_is_cut() {
        let envelopes = sent(ClientOptions::new(), || {
            assert!(capture_feedback(Feedback::new(" \n")).is_nil());
            capture_feedback(Feedback::new("ü".repeat(5_000)));
        });
        let [envelope] = &envelopes[..] else { panic!() };
        assert_eq!(context(event(envelope)).message.chars().count(), MAX_MESSAGE);
    }
}
