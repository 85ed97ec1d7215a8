//! The symbolicator of this process: a cache everybody may ask, and behind it loaders that only one thread uses.
//!
//! Two locks: a thread that finds its addresses in the cache never waits for one that is loading symbols.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use sentry_core::clock;
#[cfg(unix)]
use sentry_core::process::Held;

use crate::backtrace::cache::Cache;
use crate::backtrace::loaders::Loaders;
use crate::backtrace::symbol::Resolved;
use crate::backtrace::unwind;
use crate::heap;
use crate::modules;
use crate::source::{Context, Sources};
use crate::sync::{lock, lock_until, try_lock};

/// One is enough, but for a process that was forked while another thread was loading symbols: it takes the next.
static ALL: [Symbolicator; 8] = [const { Symbolicator::new() }; 8];
static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// The symbolicator of this process.
pub(crate) fn symbolicator() -> &'static Symbolicator {
    &ALL[IN_USE.load(Relaxed) % ALL.len()]
}

/// For a fork. Tells whether the child can go on with it: symbols take too long to load for a fork to wait.
#[cfg(unix)]
pub(crate) fn hold(held: &mut Held<'_>) -> bool {
    let Symbolicator { cache, loaders, sources, .. } = symbolicator();
    held.lock_if_free(loaders) && held.lock_if_free(sources) && held.lock(cache)
}

/// Leaves the symbolicator to a process that is the parent of this one.
#[cfg(unix)]
pub(crate) fn abandon() {
    // After the last one symbols are no more resolved: its locks are taken.
    if IN_USE.load(Relaxed) + 1 < ALL.len() {
        IN_USE.fetch_add(1, Relaxed);
    }
}

pub(crate) struct Symbolicator {
    cache: Mutex<Cache>,
    loaders: Mutex<Loaders>,
    sources: Mutex<Sources>,
    /// How many modules had been unloaded when the list of modules was read last.
    unloaded: AtomicU64,
}

impl Symbolicator {
    const fn new() -> Self {
        Self {
            cache: Mutex::new(Cache::new(8_192)),
            loaders: Mutex::new(Loaders::new()),
            sources: Mutex::new(Sources::new()),
            unloaded: AtomicU64::new(0),
        }
    }

    /// What is known about each address. Loads symbols until the deadline; if that has passed, waits for nothing.
    pub(crate) fn resolve(
        &self,
        addresses: &[usize],
        deadline: Option<Instant>,
    ) -> Vec<Option<Arc<Resolved>>> {
        if !is_over(deadline) {
            self.notice_unloading(deadline);
            sentry_core::suppress(unwind::learn);
        }
        let mut found = self.cached(addresses, deadline);
        if !is_over(deadline) && found.iter().any(Option::is_none) {
            // Whatever happens while reading symbols, it is not the application that panics.
            sentry_core::suppress(|| self.load(addresses, &mut found, deadline));
        }
        found
    }

    /// What is known about a return address, as counted in an object file that need not be loaded. `package` is its name.
    pub(crate) fn resolve_in(
        &self,
        file: &Path,
        package: &str,
        address: u64,
        deadline: Option<Instant>,
    ) -> Option<Arc<Resolved>> {
        if is_over(deadline) {
            return None;
        }
        let symbols =
            sentry_core::suppress(|| lock_until(&self.loaders, deadline)?.resolve_in(file, address))?;
        Some(Arc::new(Resolved { symbols, package: Some(package.into()), image: None }))
    }

    /// The lines around a line of a source file. Reads the file unless the deadline has passed.
    pub(crate) fn context(&self, path: &str, line: u32, deadline: Option<Instant>) -> Option<Context> {
        if is_over(deadline) {
            return None;
        }
        lock_until(&self.sources, deadline)?.context(path, line)
    }

    /// Gives memory back that is only needed while new code is being resolved. The names stay.
    pub(crate) fn release(&self) {
        lock(&self.loaders).release();
        lock(&self.sources).release();
        heap::trim();
    }

    /// Another module may lie where one was unloaded: what was known about its addresses is forgotten.
    fn notice_unloading(&self, deadline: Option<Instant>) {
        let (_, unloaded) = modules::generation();
        if self.unloaded.load(Relaxed) == unloaded {
            return;
        }
        let Some(mut loaders) = lock_until(&self.loaders, deadline) else { return };
        if loaders.refresh() {
            self.forget();
        }
        self.unloaded.store(unloaded, Relaxed);
    }

    /// Addresses have changed their meaning.
    fn forget(&self) {
        lock(&self.cache).clear();
        unwind::forget();
    }

    fn cached(&self, addresses: &[usize], deadline: Option<Instant>) -> Vec<Option<Arc<Resolved>>> {
        let guard = if is_over(deadline) { try_lock(&self.cache) } else { lock_until(&self.cache, deadline) };
        match guard {
            Some(mut cache) => addresses.iter().map(|address| cache.find(*address)).collect(),
            None => vec![None; addresses.len()],
        }
    }

    fn load(&self, addresses: &[usize], found: &mut [Option<Arc<Resolved>>], deadline: Option<Instant>) {
        let Some(mut loaders) = lock_until(&self.loaders, deadline) else { return };
        let missing = |found: &Option<Arc<Resolved>>, address: &usize| found.is_none() && *address > 0;
        let mut unknown = addresses.iter().zip(&*found).filter(|(address, found)| missing(found, address));
        if unknown.any(|(address, _)| !loaders.covers(address - 1)) && loaders.refresh() {
            self.forget();
        }
        for (address, found) in addresses.iter().zip(found) {
            if !missing(found, address) {
                continue;
            }
            if is_over(deadline) {
                return;
            }
            let Some(resolved) = loaders.resolve(*address).map(Arc::new) else { continue };
            lock(&self.cache).insert(*address, Arc::clone(&resolved));
            *found = Some(resolved);
        }
    }
}

fn is_over(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= clock::instant())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "loads and unloads a library as a host with plugins does")]
mod tests {
    use super::*;

    /// The transport of a client whose worker is busy.
    struct Busy(std::sync::mpsc::Sender<usize>);

    impl sentry_core::Transport for Busy {
        fn send_envelope(&self, _: sentry_core::protocol::Envelope) {}

        fn send(&self, outbound: sentry_core::Outbound) {
            let _ = self.0.send(outbound.size_hint());
        }
    }

    #[test]
    fn a_panic_waits_for_nobody_who_looks_names_up() {
        let (sent, is_sent) = std::sync::mpsc::channel();
        let mut options = sentry_core::ClientOptions::new().add_integration(crate::PanicIntegration::new());
        options.dsn = "https://public@sentry.invalid/1".parse().ok();
        options.transport = Some(Arc::new(Arc::new(Busy(sent))));
        let client = Arc::new(sentry_core::Client::with_options(options));
        let hub = Arc::new(sentry_core::Hub::new(Some(client), Arc::default()));
        let symbolicator = symbolicator();
        let held = (lock(&symbolicator.loaders), lock(&symbolicator.sources), lock(&symbolicator.cache));
        let panics = || std::panic::catch_unwind(|| panic!("expected by the test")).is_err();
        let thread = std::thread::Builder::new().spawn(move || sentry_core::Hub::run(hub, panics));
        let arrived = is_sent.recv_timeout(std::time::Duration::from_secs(60));
        drop(held);
        assert!(arrived.is_ok_and(|size| size > 0));
        assert!(thread.unwrap().join().unwrap());
    }

    #[test]
    fn the_names_of_an_unloaded_library_are_forgotten() {
        // SAFETY: a library of the C runtime without constructors of its own.
        let library = unsafe { libc::dlopen(c"libresolv.so.2".as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            return;
        }
        // SAFETY: the handle is open.
        let function = unsafe { libc::dlsym(library, c"ns_initparse".as_ptr()) };
        assert!(!function.is_null());
        let address = function.addr() + 1;
        let package = || {
            let resolved = symbolicator().resolve(&[address], None).remove(0);
            resolved.and_then(|resolved| resolved.package.as_deref().map(str::to_owned))
        };
        assert!(package().is_some_and(|package| package.contains("libresolv")));
        // SAFETY: the handle is open, and nothing of the library is used after this.
        unsafe { libc::dlclose(library) };
        assert_eq!(package(), None);
    }
}
