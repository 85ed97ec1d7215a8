//! A sender that answers from a script: the test double.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;

use super::{BoxFuture, Deadline, Request, Response, SendError, Sender};

/// One line of the script.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Answer(Response),
    Hang,
    Interrupted,
    Panic,
    /// Answers with 200; the future panics when it is dropped.
    PanicInDrop,
    Refuse,
}

/// What is said to a body.
type Rule = fn(&str) -> Option<Reply>;

/// Plays its script, then says 200 for ever; keeps the bodies it got.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    /// Asked before the script.
    rule: Option<Rule>,
    script: Mutex<VecDeque<Reply>>,
    bodies: Mutex<Vec<Vec<u8>>>,
}

impl Scripted {
    pub(crate) fn new(script: impl IntoIterator<Item = Reply>) -> Self {
        Self { script: Mutex::new(script.into_iter().collect()), ..Self::default() }
    }

    /// One whose answers depend on what it gets, not on when.
    pub(crate) fn by(rule: Rule) -> Self {
        Self { rule: Some(rule), ..Self::default() }
    }

    /// What was sent, decompressed, as text.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap().iter().map(|body| text(body)).collect()
    }

    /// Waits for the `n`th request.
    pub(crate) fn wait_for(&self, n: usize) {
        for _ in 0..2_000 {
            if self.bodies.lock().unwrap().len() >= n {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("request {n} never came");
    }
}

impl Sender for Scripted {
    fn send(&self, request: Request, _deadline: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
        let body = request.into_body();
        let ruled = self.rule.and_then(|rule| rule(&text(&body)));
        let reply = ruled.or_else(|| self.script.lock().unwrap().pop_front());
        self.bodies.lock().unwrap().push(body);
        if matches!(reply, Some(Reply::PanicInDrop)) {
            let bomb = Bomb;
            return Box::pin(std::future::poll_fn(move |_| {
                let _lives_as_long_as_the_future = &bomb;
                Poll::Ready(Ok(Response::new(200)))
            }));
        }
        Box::pin(async move {
            match reply {
                None => Ok(Response::new(200)),
                Some(Reply::Answer(response)) => Ok(response),
                Some(Reply::Hang) => std::future::pending().await,
                Some(Reply::Interrupted) => Err(SendError::interrupted()),
                Some(Reply::Panic | Reply::PanicInDrop) => panic!("expected by the test"),
                Some(Reply::Refuse) => Err(SendError::connect()),
            }
        })
    }
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("expected by the test");
    }
}

/// Decompressed.
fn text(body: &[u8]) -> String {
    use std::io::Read;
    if !body.starts_with(&[0x1f, 0x8b]) {
        return String::from_utf8(body.to_vec()).unwrap();
    }
    let mut out = String::new();
    flate2::read::GzDecoder::new(body).read_to_string(&mut out).unwrap();
    out
}
