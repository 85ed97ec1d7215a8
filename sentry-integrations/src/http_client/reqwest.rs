//! Requests of `reqwest`.

use std::future::Future;

use reqwest::{Client, Request, RequestBuilder, Response, Result};

use super::HttpCall;

const ORIGIN: &str = "auto.http.reqwest";

/// `send_traced()` for requests of `reqwest`.
///
/// ```
/// use sentry_integrations::http_client::SendTraced;
///
/// # async fn f() -> reqwest::Result<()> {
/// let answer = reqwest::Client::new().get("https://stock.example/items/7").send_traced().await?;
/// # Ok(()) }
/// ```
///
/// Redirects are followed by `reqwest` and belong to the request; its headers go along, those of the trace included.
pub trait SendTraced {
    /// Sends the request, with a span, the headers of the trace, and a breadcrumb.
    ///
    /// # Errors
    /// Those of [`RequestBuilder::send`].
    fn send_traced(self) -> impl Future<Output = Result<Response>> + Send;
}

impl SendTraced for RequestBuilder {
    async fn send_traced(self) -> Result<Response> {
        let (client, request) = self.build_split();
        execute(&client, request?).await
    }
}

/// [`Client::execute`] with a span, the headers of the trace, and a breadcrumb.
///
/// # Errors
/// Those of [`Client::execute`].
pub async fn execute(client: &Client, mut request: Request) -> Result<Response> {
    let (method, url) = (request.method().clone(), request.url().clone());
    let call = HttpCall::begin_as(ORIGIN, &method, url.as_str(), request.headers_mut());
    let answer = client.execute(request).await;
    match &answer {
        Ok(response) => call.answered(response.status(), response.headers()),
        Err(_) => call.failed(),
    }
    answer
}
