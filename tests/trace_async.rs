//! Spans of code that moves: to tasks, threads and pools, side by side in one task, and dropped in the middle.

use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;
use ingest::Server;
use sentry::protocol::Value;
use sentry::{
    ClientOptions, Hub, Level, SentryFutureExt as _, SentryStreamExt as _, Span, Transaction,
    TransactionContext, start_transaction,
};
use tokio::task::{JoinSet, spawn_blocking, yield_now};

const PATIENCE: Duration = Duration::from_secs(60);

/// What a server got of one transaction: its spans by name, and which span each event belongs to.
#[derive(Debug)]
struct Told {
    root: String,
    spans: BTreeMap<String, Value>,
    events: BTreeMap<String, String>,
}

impl Told {
    fn id(&self, name: &str) -> &str {
        let span = self.spans.get(name).unwrap_or_else(|| panic!("no span {name}: {:?}", self.spans.keys()));
        span["span_id"].as_str().unwrap()
    }

    /// The name of the span above.
    fn above(&self, name: &str) -> &str {
        self.name_of(self.spans[name]["parent_span_id"].as_str().unwrap())
    }

    /// The name of the span that an event belongs to.
    fn of_event(&self, message: &str) -> &str {
        self.name_of(&self.events[message])
    }

    fn name_of(&self, id: &str) -> &str {
        if id == self.root {
            return "root";
        }
        self.spans.iter().find(|(_, span)| span["span_id"] == id).map_or("unknown", |(name, _)| name)
    }

    fn status(&self, name: &str) -> Option<&str> {
        self.id(name);
        self.spans[name]["status"].as_str()
    }
}

/// Runs `work` on a multi-thread runtime in a transaction on the hub it runs with, and returns what came of it.
fn run<F, W>(events: usize, work: W) -> Told
where
    F: Future<Output = ()> + Send + 'static,
    W: FnOnce(Transaction) -> F + Send + 'static,
{
    let server = Server::start();
    let options = ClientOptions::new().dsn(&server.dsn()).traces_sample_rate(1.0);
    let client = std::sync::Arc::new(sentry::Client::from(sentry::apply_defaults(options)));
    let hub = std::sync::Arc::new(Hub::new(Some(client.clone()), Default::default()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let task = async {
            let root = start_transaction(TransactionContext::new("root", "test"));
            sentry::configure_scope(|scope| scope.set_span(Some(root.clone().into())));
            work(root.clone()).await;
            root.finish();
        };
        tokio::spawn(task.bind_hub(hub)).await.unwrap();
    });
    assert!(client.close(Some(PATIENCE)));
    let transaction = server.wait_for_transactions(1, PATIENCE).remove(0);
    let spans = transaction["spans"].as_array().unwrap().iter();
    let told = Told {
        root: transaction["contexts"]["trace"]["span_id"].as_str().unwrap().to_owned(),
        spans: spans.map(|span| (span["description"].as_str().unwrap().to_owned(), span.clone())).collect(),
        // Panics have none.
        events: server
            .wait_for_events(events, PATIENCE)
            .iter()
            .filter_map(|event| {
                let span = event["contexts"]["trace"]["span_id"].as_str().unwrap();
                Some((event["message"].as_str()?.to_owned(), span.to_owned()))
            })
            .collect(),
    };
    server.assert_clean();
    told
}

fn message(text: &str) {
    sentry::capture_message(text, Level::Info);
}

/// A span below the one that the running code is in.
fn child(name: &str) -> Span {
    Hub::current().active_span().unwrap().start_child("work", name)
}

/// Work in a span of its own, with waits, that captures and has a child.
async fn part(name: String) {
    yield_now().await;
    let inner = child(&format!("below {name}"));
    tokio::time::sleep(Duration::from_millis(2)).await;
    message(&name);
    yield_now().await;
    inner.finish();
}

#[test]
fn futures_side_by_side_have_their_own_spans_below_the_same_one() {
    const PARTS: usize = 50;
    let told = run(PARTS + 1, |root| async move {
        // On one task: all of them are polled in turn.
        let mut parts: Vec<_> = (0..PARTS)
            .map(|number| {
                Box::pin(
                    part(format!("part {number}"))
                        .in_span(root.start_child("work", &format!("part {number}"))),
                )
            })
            .collect();
        poll_fn(|cx| {
            parts.retain_mut(|part| part.as_mut().poll(cx).is_pending());
            if parts.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        message("after all");
    });
    for number in 0..PARTS {
        let name = format!("part {number}");
        assert_eq!(told.above(&name), "root");
        assert_eq!(told.above(&format!("below {name}")), name);
        assert_eq!(told.of_event(&name), name);
        assert_eq!(told.status(&name), None, "nobody has said how it ended");
    }
    assert_eq!(told.of_event("after all"), "root");
}

#[test]
fn work_takes_its_span_along_wherever_it_goes() {
    let told = run(7, |root| async move {
        let span = root.start_child("work", "here");
        let work = async {
            let mut set = JoinSet::new();
            set.spawn(async { part("in a set".to_owned()).await }.with_current_hub());
            let task = tokio::spawn(part("in a task".to_owned()).with_current_hub());
            let own = child("its own");
            let with_own = tokio::spawn(part("in its own".to_owned()).in_span(own));
            let sync = |name: &'static str| {
                Hub::wrap(move || {
                    let below = child(&format!("below {name}"));
                    message(name);
                    below.finish();
                })
            };
            let blocking = spawn_blocking(sync("on a blocking thread"));
            let (done, pool) = tokio::sync::oneshot::channel();
            let in_pool = sync("in a pool");
            rayon::spawn(move || {
                in_pool();
                done.send(()).unwrap();
            });
            let on_thread = sync("on a thread");
            #[expect(clippy::disallowed_methods, reason = "as applications do it")]
            let thread = std::thread::spawn(on_thread);
            task.await.unwrap();
            with_own.await.unwrap();
            set.join_all().await;
            blocking.await.unwrap();
            pool.await.unwrap();
            thread.join().unwrap();
            message("here");
        };
        work.in_span(span).await;
    });
    let others = ["in a set", "in a task", "on a blocking thread", "in a pool", "on a thread"];
    for name in others {
        assert_eq!(told.above(&format!("below {name}")), "here", "{name}");
        assert_eq!(told.of_event(name), "here", "{name}");
    }
    assert_eq!((told.above("here"), told.of_event("here")), ("root", "here"));
    assert_eq!((told.above("its own"), told.of_event("in its own")), ("here", "its own"));
    assert_eq!(told.above("below in its own"), "its own");
}

/// Says when it is dropped.
struct Dropped(&'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        message(self.0);
    }
}

#[test]
fn what_is_dropped_in_the_middle_ends_its_span() {
    let told = run(4, |root| async move {
        let forever = |name: &'static str| {
            async move {
                let _dropped = Dropped(name);
                std::future::pending::<()>().await;
            }
            .in_span(root.start_child("work", name))
        };
        assert!(tokio::time::timeout(Duration::from_millis(5), forever("timed out")).await.is_err());
        let task = tokio::spawn(forever("aborted"));
        yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        // Never polled.
        drop(forever("not begun"));
        let said = root.start_child("work", "said");
        let saying = async {
            Hub::current().active_span().unwrap().set_status(sentry::protocol::SpanStatus::Ok);
            let _dropped = Dropped("said");
            std::future::pending::<()>().await;
        };
        let mut saying = Box::pin(saying.in_span(said));
        assert!(saying.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(saying);
        let panics = async { panic!("by the test") }.in_span(root.start_child("work", "panicked"));
        let panicked = tokio::spawn(panics);
        assert!(panicked.await.unwrap_err().is_panic());
    });
    for (name, status) in [
        ("timed out", "cancelled"),
        ("aborted", "cancelled"),
        ("not begun", "cancelled"),
        ("said", "ok"),
        ("panicked", "internal_error"),
    ] {
        assert_eq!(told.status(name), Some(status), "{name}");
        assert_eq!(told.above(name), "root");
    }
    for name in ["timed out", "said"] {
        assert_eq!(told.of_event(name), name, "what is dropped belongs to the span");
    }
    assert_eq!(told.events.get("not begun"), None);
}

/// Elements that are made one after another, with a wait before each.
struct Rows {
    left: VecDeque<&'static str>,
    waits: bool,
    _dropped: Dropped,
}

impl Rows {
    fn new(name: &'static str, rows: &[&'static str]) -> Self {
        Self { left: rows.iter().copied().collect(), waits: false, _dropped: Dropped(name) }
    }
}

impl Stream for Rows {
    type Item = Span;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Span>> {
        self.waits = !self.waits;
        if self.waits {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.left.pop_front().map(child))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.len(), Some(self.left.len()))
    }
}

async fn next<S: Stream>(mut stream: Pin<&mut S>) -> Option<S::Item> {
    poll_fn(|cx| stream.as_mut().poll_next(cx)).await
}

#[test]
fn streams_end_their_spans() {
    let told = run(4, |root| async move {
        {
            let mut whole =
                pin!(Rows::new("whole dropped", &["1", "2"]).in_span(root.start_child("work", "whole")));
            assert_eq!(whole.size_hint(), (2, Some(2)));
            while let Some(row) = next(whole.as_mut()).await {
                // Between the elements the code is where it was.
                assert_eq!(
                    Hub::current().active_span().unwrap().get_trace_context().span_id,
                    root.get_trace_context().span_id
                );
                row.finish();
            }
        }
        {
            let rows = Rows::new("half dropped", &["3", "4"]);
            let mut half = Box::pin(rows.in_span(root.start_child("work", "half")));
            next(half.as_mut()).await.unwrap().finish();
            // On another thread.
            tokio::spawn(async move { drop(half) }).await.unwrap();
        }
        let hub = std::sync::Arc::new(Hub::new_from_top(Hub::current()));
        let mut bound = Box::pin(Rows::new("bound dropped", &["5"]).bind_hub(hub));
        next(bound.as_mut()).await.unwrap().finish();
        drop(bound);
        let mut current = Box::pin(Rows::new("current dropped", &[]).with_current_hub());
        assert!(next(current.as_mut()).await.is_none());
    });
    assert_eq!((told.status("whole"), told.status("half")), (None, Some("cancelled")));
    for (row, above) in [("1", "whole"), ("2", "whole"), ("3", "half"), ("5", "root")] {
        assert_eq!(told.above(row), above, "{row}");
    }
    for (message, span) in [
        ("whole dropped", "whole"),
        ("half dropped", "half"),
        ("bound dropped", "root"),
        ("current dropped", "root"),
    ] {
        assert_eq!(told.of_event(message), span);
    }
}

#[test]
fn a_panic_in_a_stream_ends_its_span() {
    struct Panics;
    impl Stream for Panics {
        type Item = ();
        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<()>> {
            panic!("by the test")
        }
    }
    let told = run(0, |root| async move {
        let mut panics = Box::pin(Panics.in_span(root.start_child("work", "panicked")));
        let poll = || panics.as_mut().poll_next(&mut Context::from_waker(Waker::noop()));
        assert!(std::panic::catch_unwind(AssertUnwindSafe(poll)).is_err());
        drop(panics);
    });
    assert_eq!(told.status("panicked"), Some("internal_error"));
}
