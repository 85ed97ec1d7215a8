use crate::client_report::protocol::Category;
use crate::metrics;
use crate::protocol::{EnvelopeItem, ItemContainer, LogAttribute, Metric, MetricType, Unit, User};
use crate::test::with_captured_envelopes_options;
use crate::{ClientOptions, TransactionContext};

fn measured(options: ClientOptions, run: impl FnOnce()) -> Vec<Metric> {
    let envelopes = with_captured_envelopes_options(run, options.traces_sample_rate(1.0));
    let metrics = |item: &EnvelopeItem| match item {
        EnvelopeItem::ItemContainer(ItemContainer::Metrics(metrics)) => metrics.clone(),
        _ => Vec::new(),
    };
    envelopes.iter().flat_map(|envelope| envelope.items().flat_map(metrics).collect::<Vec<_>>()).collect()
}

#[test]
fn each_kind_has_its_parts() {
    let metrics = measured(ClientOptions::new().release("app@1"), || {
        metrics::counter("orders", 1).attribute("kind", "new").capture();
        metrics::gauge("queue.depth", 7.5).unit(Unit::Byte).capture();
        metrics::distribution(String::from("time"), 12u32).unit("furlong").attribute("n", 3).capture();
    });
    let course: Vec<_> = metrics.iter().map(|metric| (metric.r#type, &*metric.name, metric.value)).collect();
    assert_eq!(
        course,
        [
            (MetricType::Counter, "orders", 1.0),
            (MetricType::Gauge, "queue.depth", 7.5),
            (MetricType::Distribution, "time", 12.0)
        ]
    );
    assert_eq!(metrics[0].attributes["kind"], LogAttribute::from("new"));
    assert_eq!(metrics[0].attributes["sentry.release"], LogAttribute::from("app@1"));
    assert_eq!(metrics[0].unit, None);
    assert_eq!(metrics[2].unit, Some("furlong".into()));
}

#[test]
fn a_metric_belongs_to_the_span_and_the_user_of_its_scope() {
    let metrics = measured(ClientOptions::new(), || {
        let transaction = crate::start_transaction(TransactionContext::new("t", "op"));
        crate::configure_scope(|scope| {
            scope.set_span(Some(transaction.clone().into()));
            scope.set_user(Some(User { id: Some("7".into()), ..User::default() }));
            scope.set_attribute("region", "eu");
        });
        let context = transaction.get_trace_context();
        metrics::counter("a", 1).attribute("span", context.span_id.to_string()).capture();
    });
    let attributes = &metrics[0].attributes;
    assert_eq!(attributes["span"], LogAttribute::from(metrics[0].span_id.unwrap().to_string()));
    assert_eq!((&attributes["user.id"], &attributes["region"]), (&"7".into(), &"eu".into()));
}

#[test]
fn what_is_no_number_is_counted_and_does_not_leave() {
    let options = ClientOptions::new();
    let recorder = options.client_report_recorder.clone();
    let metrics = measured(options, || {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            metrics::gauge("g", value).capture();
        }
        metrics::gauge("g", 0.0).capture();
    });
    assert_eq!(metrics.len(), 1);
    let is_metric = |category: Category| category == Category::TraceMetric;
    let lost: u64 =
        recorder.totals().iter().filter(|item| is_metric(item.category())).map(|item| item.quantity()).sum();
    assert_eq!(lost, 3);
}

#[test]
fn a_callback_may_change_and_drop() {
    let options = ClientOptions::new().before_send_metric(|mut metric| {
        metric.value *= 2.0;
        (metric.name != "drop").then_some(metric)
    });
    let metrics = measured(options, || {
        metrics::counter("keep", 2).capture();
        metrics::counter("drop", 2).capture();
    });
    assert_eq!(metrics.iter().map(|metric| metric.value).collect::<Vec<_>>(), [4.0]);
}

#[test]
fn metrics_can_be_switched_off() {
    assert!(
        measured(ClientOptions::new().enable_metrics(false), || metrics::counter("a", 1).capture())
            .is_empty()
    );
}
