//! `Debug` for people who paste it into a bug report: no keys, no proxy passwords, no functions.

use std::fmt;

use url::Url;

use crate::options::ClientOptions;

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let integrations: Vec<_> = self.integrations.iter().map(|integration| integration.name()).collect();
        f.debug_struct("ClientOptions")
            .field("dsn", &self.dsn)
            .field("debug", &self.debug)
            .field("debug_level", &self.debug_level)
            .field("release", &self.release)
            .field("dist", &self.dist)
            .field("environment", &self.environment)
            .field("sample_rate", &self.event_sample_rate())
            .field("traces_sampling", &self.effective_traces_sampling())
            .field("org_id", &self.org_id)
            .field("strict_trace_continuation", &self.strict_trace_continuation)
            .field("max_breadcrumbs", &self.max_breadcrumbs)
            .field("max_value_length", &self.max_value_length)
            .field("max_attachment_size", &self.max_attachment_size)
            .field("attach_stacktrace", &self.attach_stacktrace)
            .field("include_source_context", &self.include_source_context)
            .field("send_default_pii", &self.send_default_pii)
            .field("data_collection", &self.data_collection)
            .field("scrub", &self.scrub)
            .field("server_name", &self.server_name)
            .field("in_app_include", &self.in_app_include)
            .field("in_app_exclude", &self.in_app_exclude)
            .field("integrations", &integrations)
            .field("default_integrations", &self.default_integrations)
            .field("before_send", &self.before_send.is_some())
            .field("before_send_with_hint", &self.before_send_with_hint.is_some())
            .field("ignore_errors", &self.ignore_errors)
            .field("error_sampler", &self.error_sampler.is_some())
            .field("context_tags", &self.context_tags)
            .field("before_send_transaction", &self.before_send_transaction.is_some())
            .field("before_breadcrumb", &self.before_breadcrumb.is_some())
            .field("before_send_log", &self.before_send_log.is_some())
            .field("before_send_span", &self.before_send_span.is_some())
            .field("trace_lifecycle", &self.trace_lifecycle)
            .field("ignore_transactions", &self.ignore_transactions)
            .field("ignore_spans", &self.ignore_spans)
            .field("trace_ignore_status_codes", &self.trace_ignore_status_codes)
            .field("trace_propagation_targets", &self.trace_propagation_targets)
            .field("propagate_traceparent", &self.propagate_traceparent)
            .field("trace_options_requests", &self.trace_options_requests)
            .field("enable_db_query_source", &self.enable_db_query_source)
            .field("enable_http_request_source", &self.enable_http_request_source)
            .field("before_send_metric", &self.before_send_metric.is_some())
            .field("before_send_check_in", &self.before_send_check_in.is_some())
            .field("before_send_feedback", &self.before_send_feedback.is_some())
            .field("transport", &self.transport.is_some())
            .field("http_proxy", &self.http_proxy.as_deref().map(without_credentials))
            .field("https_proxy", &self.https_proxy.as_deref().map(without_credentials))
            .field("shutdown_timeout", &self.shutdown_timeout)
            .field("max_request_body_size", &self.max_request_body_size)
            .field("transport_channel_capacity", &self.transport_channel_capacity)
            .field("enable_logs", &self.enable_logs)
            .field("enable_metrics", &self.enable_metrics)
            .field("accept_invalid_certs", &self.accept_invalid_certs)
            .field("auto_session_tracking", &self.auto_session_tracking)
            .field("session_mode", &self.session_mode)
            .field("user_agent", &self.user_agent)
            .field("send_client_reports", &self.send_client_reports)
            .field("on_drop", &self.on_drop.is_some())
            .field("on_crashed_last_run", &self.on_crashed_last_run.is_some())
            .field("http", &self.http)
            .field("also_send_to", &self.also_send_to)
            .field("spotlight", &self.spotlight)
            .field("cache", &self.cache)
            .field("consent", &self.consent)
            .field("flood_control", &self.flood_control)
            .field("enable_backpressure_handling", &self.enable_backpressure_handling)
            .field("announce_shutdown", &self.announce_shutdown)
            .finish_non_exhaustive()
    }
}

/// The server of a proxy. Anything that might hold a password besides is left out.
fn without_credentials(proxy: &str) -> String {
    let url = if proxy.contains("://") { Url::parse(proxy) } else { Url::parse(&format!("http://{proxy}")) };
    match url {
        Ok(url) => match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{}://{host}:{port}", url.scheme()),
            (Some(host), None) => format!("{}://{host}", url.scheme()),
            (None, _) => "<redacted>".to_owned(),
        },
        Err(_) => "<redacted>".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let options = ClientOptions {
            dsn: "https://hushkey:hushsecret@host.example/42".parse().ok(),
            http_proxy: Some("http://me:hushproxy@proxy.example:3128/hushpath".into()),
            https_proxy: Some("me:hushproxy@proxy.example".into()),
            ..ClientOptions::default()
        };
        for shown in [format!("{options:?}"), format!("{options:#?}")] {
            assert!(!shown.contains("hush"), "{shown}");
            assert!(shown.contains("host.example/42"), "{shown}");
            assert!(shown.contains("http://proxy.example:3128"), "{shown}");
        }
        assert!(format!("{options:?}").ends_with(", .. }"));
    }

    #[test]
    fn a_proxy_that_is_no_url_is_not_shown() {
        for ugly in ["", "hush hush", ",,,:;:", "://hush@", "unix:/hush", "http://[hush"] {
            let shown = without_credentials(ugly);
            assert!(!shown.contains("hush"), "{ugly}: {shown}");
        }
    }
}
