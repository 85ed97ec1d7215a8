//! Debug information of the loaded modules, mapped when first needed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use addr2line::Loader;

use crate::backtrace::fallback;
use crate::backtrace::symbol::{Resolved, Symbol};
use crate::modules::{self, ModuleTable};

/// One loader per module, by the module's place in memory.
pub(crate) struct Loaders {
    modules: ModuleTable,
    /// `None` for files that cannot be read.
    loaders: BTreeMap<usize, Option<Loader>>,
    /// Those of files that are not loaded: stacks of earlier runs lie in them.
    files: BTreeMap<PathBuf, Option<Loader>>,
}

/// How many of those are kept open.
const MAX_FILES: usize = 16;

impl Loaders {
    pub(crate) const fn new() -> Self {
        Self { modules: ModuleTable::new(), loaders: BTreeMap::new(), files: BTreeMap::new() }
    }

    /// Looks for modules that came or went. Tells whether one went, so that addresses may have changed their meaning.
    pub(crate) fn refresh(&mut self) -> bool {
        let gone = self.modules.refresh();
        for start in &gone {
            self.loaders.remove(start);
        }
        !gone.is_empty()
    }

    /// Whether the address lies in a module that is known by now.
    pub(crate) fn covers(&self, address: usize) -> bool {
        !modules::SUPPORTED || self.modules.find(address).is_some()
    }

    /// What is known about a return address. `None` if it lies in no module.
    pub(crate) fn resolve(&mut self, address: usize) -> Option<Resolved> {
        if !modules::SUPPORTED {
            return fallback::resolve(address);
        }
        // The call, not the instruction behind it, which may belong to another line or function.
        let call = address.checked_sub(1)?;
        let module = self.modules.find(call)?;
        let loader = self.loaders.entry(module.start).or_insert_with(|| module.symbols().and_then(load));
        let symbols = read(loader, call - module.bias);
        Some(Resolved { symbols, package: Some(Arc::clone(&module.path)), image: Some(module.start) })
    }

    /// What a file says about a return address in it. `None` if it cannot be read.
    pub(crate) fn resolve_in(&mut self, file: &Path, address: u64) -> Option<Box<[Symbol]>> {
        let call = usize::try_from(address.checked_sub(1)?).ok()?;
        if self.files.len() >= MAX_FILES && !self.files.contains_key(file) {
            self.files.clear();
        }
        let loader = self.files.entry(file.to_owned()).or_insert_with(|| load(file));
        loader.is_some().then(|| read(loader, call))
    }

    /// Gives the memory back. The next resolution loads again.
    pub(crate) fn release(&mut self) {
        self.loaders.clear();
        self.files.clear();
    }
}

fn load(file: &Path) -> Option<Loader> {
    catch_unwind(|| Loader::new(file).ok()).ok().flatten()
}

/// What is known about an instruction, at least one level. A fault in the debug information gives its loader up.
fn read(loader: &mut Option<Loader>, address: usize) -> Box<[Symbol]> {
    let mut symbols = Vec::new();
    if let Some(loaded) = loader {
        // Debug information is input from a file: a fault in it must cost the names and nothing else.
        match catch_unwind(AssertUnwindSafe(|| symbols_at(loaded, address))) {
            Ok(found) => symbols = found,
            Err(_) => *loader = None,
        }
    }
    if symbols.is_empty() {
        symbols.push(Symbol::default());
    }
    symbols.into()
}

/// The function at `address`, as counted in the file, and what was inlined there; innermost first.
fn symbols_at(loader: &Loader, address: usize) -> Vec<Symbol> {
    let Ok(address) = u64::try_from(address) else { return Vec::new() };
    let mut symbols = Vec::new();
    if let Ok(mut frames) = loader.find_frames(address) {
        let mut next = frames.next().ok().flatten();
        while let Some(frame) = next {
            next = frames.next().ok().flatten();
            let name = frame.function.as_ref().and_then(|function| function.raw_name().ok());
            // Line tables name the outermost function, the one that exists as code, without its path.
            let whole =
                name.as_deref().filter(|name| next.is_some() || rustc_demangle::try_demangle(name).is_ok());
            let outermost = || loader.find_symbol(address).filter(|_| next.is_none());
            let location = frame.location.as_ref();
            symbols.push(Symbol::new(
                whole.or_else(outermost).or(name.as_deref()),
                location.and_then(|location| location.file).map(Arc::from),
                location.and_then(|location| location.line),
                location.and_then(|location| location.column),
            ));
        }
    }
    name_modules(&mut symbols);
    if symbols.is_empty()
        && let Some(name) = loader.find_symbol(address)
    {
        symbols.push(Symbol::new(Some(name), None, None, None));
    }
    symbols
}

/// What was inlined without its path lies in the module of its function, if it lies in the same file.
fn name_modules(symbols: &mut [Symbol]) {
    let Some((outermost, inlined)) = symbols.split_last_mut() else { return };
    for symbol in inlined.iter_mut().filter(|symbol| symbol.module.is_none() && symbol.path == outermost.path)
    {
        symbol.module.clone_from(&outermost.module);
    }
}
