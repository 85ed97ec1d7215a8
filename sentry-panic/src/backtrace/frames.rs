//! From resolved addresses to the frames of the protocol.

use std::ops::Range;
use std::time::Instant;

use sentry_core::protocol::{Addr, Frame, Stacktrace};
use sentry_core::stacktrace::in_app;
use sentry_core::stacktrace::trim::{self, Role};

use crate::backtrace::symbol::{Resolved, Symbol};
use crate::backtrace::symbolicator::symbolicator;

/// What the options say about frames.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// Functions that are the application's.
    pub(crate) include: Vec<&'static str>,
    /// Functions that are not.
    pub(crate) exclude: Vec<&'static str>,
    /// Whether lines of source code are wanted.
    pub(crate) with_source: bool,
}

impl Default for View {
    fn default() -> Self {
        Self { include: Vec::new(), exclude: Vec::new(), with_source: cfg!(debug_assertions) }
    }
}

/// A stack trace of the protocol, oldest frame first, trimmed. `None` when there are no frames.
pub(crate) fn stacktrace(addresses: &[usize], view: &View, deadline: Option<Instant>) -> Option<Stacktrace> {
    let resolved = symbolicator().resolve(addresses, deadline);
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
    let in_app = |index: usize| levels[index].1.is_some_and(|(_, symbol)| symbol.in_app == Some(true));
    let frames: Vec<Frame> = levels[shown(&roles, in_app)]
        .iter()
        .rev()
        .map(|(address, level)| match level {
            Some((resolved, symbol)) => frame(Addr::from(*address), resolved, symbol, view, deadline),
            None => Frame { instruction_addr: Some(Addr::from(*address)), ..Frame::default() },
        })
        .collect();
    (!frames.is_empty()).then(|| Stacktrace { frames, ..Stacktrace::default() })
}

/// The part of a stack worth showing, innermost first.
///
/// A function of std that panics blames its caller: `copy_from_slice`, `RefCell::borrow_mut`, an index. So the first frame
/// behind the machinery of a panic is the first that is not of std, as the panic's own location has it.
pub(crate) fn shown(roles: &[Role], in_app: impl Fn(usize) -> bool) -> Range<usize> {
    let kept = trim::keep(roles);
    let of_panic = |role: &Role| matches!(role, Role::PanicEntry | Role::PanicHelper);
    if !kept.start.checked_sub(1).is_some_and(|before| of_panic(&roles[before])) {
        return kept;
    }
    // A trait of the application on a type of std is named after std, but lies in a file of the application.
    let blamed = |index: &usize| in_app(*index) || !matches!(roles[*index], Role::Glue | Role::PanicHelper);
    kept.clone().find(blamed).map_or_else(|| kept.clone(), |first| first..kept.end)
}

/// One level of a frame, of which everything is known.
pub(crate) fn frame(
    address: Addr,
    resolved: &Resolved,
    symbol: &Symbol,
    view: &View,
    deadline: Option<Instant>,
) -> Frame {
    let function = symbol.function.as_deref();
    let by_user = function.and_then(|name| in_app::by_prefix(name, &view.include, &view.exclude));
    let path = symbol.path.as_deref();
    let context = match (path, symbol.line) {
        (Some(path), Some(line)) if view.with_source => {
            symbolicator().context(path, line, deadline).unwrap_or_default()
        }
        _ => Default::default(),
    };
    Frame {
        function: symbol.function.clone(),
        module: symbol.module.clone(),
        package: resolved.package.as_deref().map(str::to_owned),
        filename: symbol.filename().map(str::to_owned),
        abs_path: path.map(str::to_owned),
        lineno: symbol.line.map(u64::from),
        colno: symbol.column.map(u64::from),
        pre_context: context.before,
        context_line: context.line,
        post_context: context.after,
        in_app: by_user.or(symbol.in_app),
        image_addr: resolved.image.map(Addr::from),
        instruction_addr: Some(address),
        ..Frame::default()
    }
}

#[cfg(test)]
mod tests {
    use super::Role::{Glue, Other, PanicEntry, PanicHelper, Sdk, Start};
    use super::*;

    #[test]
    fn functions_of_std_that_panic_blame_their_caller() {
        let no = |_: usize| false;
        let cases: [(&[Role], Range<usize>); 6] = [
            (&[Sdk, PanicEntry, PanicEntry, Glue, Glue, Other, Glue, Start], 5..7),
            (&[PanicEntry, PanicHelper, Glue, PanicHelper, Other], 4..5),
            (&[PanicEntry, Other, Glue], 1..3),
            (&[PanicEntry, Glue, Glue], 1..3),
            (&[Sdk, Glue, Other], 1..3),
            (&[Glue, Glue], 0..2),
        ];
        for (roles, expected) in cases {
            assert_eq!(shown(roles, no), expected, "{roles:?}");
        }
        assert_eq!(shown(&[PanicEntry, Glue, Glue, Other], |index| index == 2), 2..4);
        assert_eq!(shown(&[], no), 0..0);
    }
}
