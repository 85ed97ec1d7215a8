//! The routes of an application, asked when somebody wants to know.
//!
//! Finding the pattern of a path matches it against each route, which costs more than all else that is done for a request, and
//! most requests never need it. `actix` keeps the routes on the thread of a worker, so a request notes only which they are.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::dev::{ResourceMap, ServiceRequest};

use crate::served::Lookup;

thread_local! {
    /// Those of the applications of this thread.
    static KNOWN: RefCell<Vec<(u64, ResourceMap)>> = const { RefCell::new(Vec::new()) };
}

static LAST: AtomicU64 = AtomicU64::new(0);

/// Knows the routes of its application from the first request on. 0: there was none.
#[derive(Default)]
pub(super) struct Routes(Cell<u64>);

impl Routes {
    /// How the route of `request` is found later.
    #[inline]
    pub(super) fn of(&self, request: &ServiceRequest) -> Lookup {
        if self.0.get() == 0 {
            self.learn(request);
        }
        Lookup { routes: self.0.get(), find }
    }

    #[cold]
    fn learn(&self, request: &ServiceRequest) {
        let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let routes = request.resource_map().clone();
        let noted = KNOWN.try_with(|known| known.try_borrow_mut().map(|mut known| known.push((id, routes))));
        if matches!(noted, Ok(Ok(()))) {
            self.0.set(id);
        }
    }
}

impl Drop for Routes {
    fn drop(&mut self) {
        let id = self.0.get();
        if id != 0 {
            // Where the thread is at its end, they go with it.
            _ = KNOWN.try_with(|known| {
                known.try_borrow_mut().map(|mut known| known.retain(|(other, _)| *other != id))
            });
        }
    }
}

/// The pattern of the route of `path`. `None`: there is none, or this is another thread.
fn find(routes: u64, path: &str) -> Option<String> {
    let find = |known: &RefCell<Vec<(u64, ResourceMap)>>| {
        let known = known.try_borrow().ok()?;
        let (_, routes) = known.iter().find(|(id, _)| *id == routes)?;
        routes.match_pattern(path)
    };
    KNOWN.try_with(find).ok().flatten()
}

#[cfg(test)]
mod tests {
    use actix_web::rt::System;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};

    use super::*;

    #[test]
    fn routes_are_known_on_their_thread_until_the_application_is_gone() {
        let known = || KNOWN.with(|known| known.borrow().len());
        let serve = async || {
            let sentry = crate::actix::Sentry::builder().with_hub(sentry_core::Hub::current()).finish();
            let app = App::new().wrap(sentry).route("/{it}", web::get().to(HttpResponse::Ok));
            let app = init_service(app).await;
            assert_eq!(known(), 0);
            for _ in 0..2 {
                call_service(&app, TestRequest::get().uri("/7").to_request()).await;
            }
            assert_eq!(known(), 1);
            let id = KNOWN.with(|known| known.borrow()[0].0);
            assert_eq!(find(id, "/7").as_deref(), Some("/{it}"));
            assert_eq!((find(id, "/7/8"), find(id + 1, "/7")), (None, None));
        };
        sentry_core::test::with_captured_events(|| System::new().block_on(serve()));
        assert_eq!(known(), 0);
    }
}
