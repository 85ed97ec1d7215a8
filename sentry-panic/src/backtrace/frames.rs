//! From resolved addresses to the frames of the protocol.

use std::time::Instant;

use sentry_core::protocol::{Addr, Frame, Stacktrace};
use sentry_core::stacktrace::in_app;
use sentry_core::stacktrace::trim::{self, Role};

use crate::backtrace::symbol::{Resolved, Symbol, short_path};
use crate::backtrace::symbolicator::SYMBOLICATOR;

/// The user's word on which frames are the application's.
#[derive(Clone, Debug, Default)]
pub(crate) struct InAppPrefixes {
    pub(crate) include: Vec<&'static str>,
    pub(crate) exclude: Vec<&'static str>,
}

/// A stack trace of the protocol, oldest frame first, trimmed. `None` when there are no frames.
pub(crate) fn stacktrace(
    addresses: &[usize],
    prefixes: &InAppPrefixes,
    deadline: Option<Instant>,
) -> Option<Stacktrace> {
    let resolved = SYMBOLICATOR.resolve(addresses, deadline);
    let levels: Vec<(usize, Option<(&Resolved, &Symbol)>)> = addresses
        .iter()
        .zip(&resolved)
        .flat_map(|(address, resolved)| {
            let symbols = resolved.iter().flat_map(|resolved| {
                resolved.symbols.iter().map(|symbol| (*address, Some((&**resolved, symbol))))
            });
            symbols.chain(resolved.is_none().then_some((*address, None)))
        })
        .collect();
    let roles: Vec<Role> =
        levels.iter().map(|(_, level)| level.map_or(Role::Other, |(_, symbol)| symbol.role)).collect();
    let frames: Vec<Frame> = levels[trim::keep(&roles)]
        .iter()
        .rev()
        .map(|(address, level)| match level {
            Some((resolved, symbol)) => frame(*address, resolved, symbol, prefixes, deadline),
            None => Frame { instruction_addr: Some(Addr::from(*address)), ..Frame::default() },
        })
        .collect();
    (!frames.is_empty()).then(|| Stacktrace { frames, ..Stacktrace::default() })
}

fn frame(
    address: usize,
    resolved: &Resolved,
    symbol: &Symbol,
    prefixes: &InAppPrefixes,
    deadline: Option<Instant>,
) -> Frame {
    let function = symbol.function.as_deref();
    let by_user = function.and_then(|name| in_app::by_prefix(name, &prefixes.include, &prefixes.exclude));
    let path = symbol.path.as_deref();
    let context = match (path, symbol.line) {
        (Some(path), Some(line)) => SYMBOLICATOR.context(path, line, deadline).unwrap_or_default(),
        _ => Default::default(),
    };
    Frame {
        function: symbol.function.clone(),
        module: symbol.module.clone(),
        package: resolved.package.as_deref().map(str::to_owned),
        filename: path.map(|path| short_path(path).to_owned()),
        abs_path: path.map(str::to_owned),
        lineno: symbol.line.map(u64::from),
        colno: symbol.column.map(u64::from),
        pre_context: context.before,
        context_line: context.line,
        post_context: context.after,
        in_app: by_user.or(symbol.in_app),
        image_addr: resolved.image.map(Addr::from),
        instruction_addr: Some(Addr::from(address)),
        ..Frame::default()
    }
}
