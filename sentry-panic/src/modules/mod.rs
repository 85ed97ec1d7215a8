//! The executable and the libraries that are loaded: where they lie, which file they came from, which build they are.

mod build_id;
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), expect(dead_code, reason = "only for ELF"))]
mod elf;
mod images;
mod table;

#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "linux/mod.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "unsupported.rs")]
mod platform;

#[cfg(unix)]
pub(crate) use self::images::hold;
pub(crate) use self::images::{identity_of, images, meta, recorded_image};
pub(crate) use self::platform::generation;
#[cfg(test)]
pub(crate) use self::platform::loaded;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
#[cfg_attr(
    not(any(feature = "crash-handler", all(target_env = "gnu", target_arch = "x86_64"))),
    expect(unused_imports, reason = "for unwinders of our own")
)]
pub(crate) use self::platform::{Tables, each_table};
pub(crate) use self::table::ModuleTable;

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whether this platform's modules can be listed.
pub(crate) const SUPPORTED: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// One loaded object file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Module {
    /// Where it begins in memory.
    pub(crate) start: usize,
    /// Where it ends.
    pub(crate) end: usize,
    /// What is added to addresses of the file to get addresses in memory.
    pub(crate) bias: usize,
    /// Its path, as people know it.
    pub(crate) path: Arc<str>,
    /// The file to read symbols from, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// The build id the linker gave it; empty if none.
    pub(crate) build_id: Box<[u8]>,
}

impl Module {
    /// The file to read symbols from, unless another build lies in its place: libraries are replaced while programs run.
    pub(crate) fn symbols(&self) -> Option<&Path> {
        let file = self.file.as_deref()?;
        let is_other = |id: Vec<u8>| !self.build_id.is_empty() && *id != *self.build_id;
        (!elf::build_id(file).is_some_and(is_other)).then_some(file)
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_build_has_no_symbols_of_a_module() {
        let own = loaded().into_iter().next().unwrap();
        assert_eq!(own.symbols(), own.file.as_deref());
        assert!(own.file.is_some() && !own.build_id.is_empty());
        let other = Module { build_id: [7; 20].into(), ..own.clone() };
        assert_eq!(other.symbols(), None);
        let unknown = Module { build_id: Box::default(), ..own };
        assert!(unknown.symbols().is_some());
    }
}
