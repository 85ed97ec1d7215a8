//! A sender that is looked over its shoulder.

use std::sync::Arc;
use std::time::Instant;

use sentry_core::client_report::Recorder;
use sentry_core::clock;
use sentry_core::diagnostics::{Answer, Exchange, Failure, FailureKind, Watcher};

use super::{BoxFuture, Deadline, Request, Response, SendError, Sender};
use crate::rate_limit::date;

/// What is kept of a text that the server wrote.
const MAX_TEXT: usize = 300;

/// Tells the watcher of `recorder` what comes of every request. Without a watcher it is `sender` itself.
pub(crate) fn watched(sender: Arc<dyn Sender>, recorder: &Recorder) -> Arc<dyn Sender> {
    match recorder.watcher() {
        Some(watcher) => Arc::new(Watched { sender, watcher }),
        None => sender,
    }
}

#[derive(Debug)]
struct Watched {
    sender: Arc<dyn Sender>,
    watcher: Watcher,
}

impl Sender for Watched {
    fn send(&self, request: Request, deadline: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
        let pending = Pending { watcher: Some(&self.watcher), since: clock::instant() };
        let answer = self.sender.send(request, deadline);
        Box::pin(async move {
            let result = answer.await;
            pending.ends(match &result {
                Ok(response) => Ok(describe(response)),
                Err(error) => Err(Failure::new(kind(error), error.explain())),
            });
            result
        })
    }

    fn takes_streams(&self) -> bool {
        self.sender.takes_streams()
    }
}

/// Dropped without an answer, the worker has lost its patience.
struct Pending<'w> {
    watcher: Option<&'w Watcher>,
    since: Instant,
}

impl Pending<'_> {
    fn ends(mut self, outcome: Result<Answer, Failure>) {
        self.tell(outcome);
    }

    fn tell(&mut self, outcome: Result<Answer, Failure>) {
        if let Some(watcher) = self.watcher.take() {
            watcher.tell(&Exchange::new(clock::instant().saturating_duration_since(self.since), outcome));
        }
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let error = SendError::timeout();
        self.tell(Err(Failure::new(FailureKind::Timeout, error.explain())));
    }
}

fn kind(error: &SendError) -> FailureKind {
    if error.is_permanent() {
        FailureKind::Setup
    } else if error.is_connect() {
        FailureKind::Connect
    } else if error.is_timeout() {
        FailureKind::Timeout
    } else {
        FailureKind::Interrupted
    }
}

fn describe(response: &Response) -> Answer {
    let header = |name| response.header(name).and_then(short);
    let mut answer = Answer::new(response.status());
    answer.detail = header("x-sentry-error").or_else(|| short(&String::from_utf8_lossy(response.body())));
    answer.date = response.header("date").and_then(date);
    answer.location = header("location");
    answer.limits = header("x-sentry-rate-limits").or_else(|| header("retry-after"));
    answer
}

fn short(text: &str) -> Option<String> {
    let text: String = text.trim().chars().take(MAX_TEXT).collect();
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Mutex;
    use std::task::{Context, Poll, Waker};
    use std::time::{Duration, SystemTime};

    use super::*;

    #[derive(Debug)]
    struct Answers(Option<Result<u16, ()>>);

    impl Sender for Answers {
        fn send(&self, _: Request, _: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
            let answer = self.0;
            Box::pin(async move {
                match answer {
                    Some(Ok(status)) => {
                        let mut response = Response::new(status)
                            .with_header("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
                            .with_header("Location", "https://elsewhere/");
                        response.extend_body(b" no such project ");
                        Ok(response)
                    }
                    Some(Err(())) => Err(SendError::connect().with_source("refused")),
                    None => std::future::pending().await,
                }
            })
        }
    }

    fn exchanges(sender: Answers) -> Vec<Result<Answer, Failure>> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let recorder = Recorder::default();
        let theirs = Arc::clone(&seen);
        recorder.set_watcher(Watcher::new(move |exchange| {
            theirs.lock().unwrap().push(exchange.outcome.clone());
        }));
        let sender = watched(Arc::new(sender), &recorder);
        let deadline = Deadline::after(clock::instant(), Duration::from_secs(1));
        let answer = sender.send(Request::new("http://host/", Vec::new()), deadline);
        let _: Poll<_> = pin!(answer).as_mut().poll(&mut Context::from_waker(Waker::noop()));
        seen.lock().unwrap().clone()
    }

    #[test]
    fn an_answer_is_told_with_what_explains_it() {
        let seen = exchanges(Answers(Some(Ok(404))));
        let [Ok(answer)] = &seen[..] else { panic!("{seen:?}") };
        assert_eq!((answer.status, answer.detail.as_deref()), (404, Some("no such project")));
        assert_eq!(answer.date, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)));
        assert_eq!(answer.location.as_deref(), Some("https://elsewhere/"));
    }

    #[test]
    fn a_failure_is_told_once_whether_it_was_the_sender_or_our_patience() {
        let refused = Failure::new(FailureKind::Connect, "no connection to the server: refused");
        assert_eq!(exchanges(Answers(Some(Err(())))), [Err(refused)]);
        let late = Failure::new(FailureKind::Timeout, "no answer from the server in time");
        assert_eq!(exchanges(Answers(None)), [Err(late)]);
    }
}
