//! Names by the `backtrace` crate, for platforms whose modules we do not list ourselves.
//!
//! It takes a process-wide lock and never gives memory back, which is why it is not the normal way.

use std::sync::Arc;

use crate::backtrace::symbol::{Resolved, Symbol};

/// What is known about a return address.
pub(crate) fn resolve(address: usize) -> Option<Resolved> {
    let mut symbols = Vec::new();
    // It looks up the instruction before a return address by itself.
    ::backtrace::resolve(std::ptr::with_exposed_provenance_mut(address), |symbol| {
        let name = symbol.name();
        let path = symbol.filename().and_then(|path| path.to_str()).map(Arc::from);
        let raw_name = name.as_ref().and_then(|name| name.as_str());
        symbols.push(Symbol::new(raw_name, path, symbol.lineno(), symbol.colno()));
    });
    (!symbols.is_empty()).then(|| Resolved { symbols: symbols.into(), package: None, image: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtrace::capture;

    #[test]
    fn it_knows_this_test() {
        let marker = 0_u8;
        let stack = capture::above(capture::address_of(&marker));
        let known = stack.addresses.iter().filter_map(|address| resolve(*address));
        let names: Vec<_> =
            known.flat_map(|known| known.symbols).filter_map(|symbol| symbol.function).collect();
        assert!(names.iter().any(|name| name.contains("run_test")), "{names:?}");
        assert!(resolve(1).is_none());
    }
}
