//! Loaded modules by `dl_iterate_phdr`.

mod phdr;
#[cfg(target_pointer_width = "64")]
mod tables;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use self::phdr::Mapped;
use crate::modules::Module;

pub(crate) use self::phdr::generation;
#[cfg(target_pointer_width = "64")]
pub(crate) use self::tables::{Tables, each_table};

/// The loaded modules; the executable comes first.
pub(crate) fn loaded() -> Vec<Module> {
    phdr::mapped().into_iter().filter_map(module).collect()
}

fn module(mapped: Mapped) -> Option<Module> {
    let Mapped { name, start, end, bias, build_id } = mapped;
    let (path, file) = if name.is_empty() || name == EXE {
        executable()
    } else {
        let file = Some(PathBuf::from(&name)).filter(|path| path.is_absolute());
        (name, file)
    };
    (start < end).then(|| Module { start, end, bias, path: path.into(), file, build_id: build_id.into() })
}

/// The path of the executable, and a file that is still the one that runs: the path may have been given to a newer
/// version meanwhile.
fn executable() -> (String, Option<PathBuf>) {
    let Ok(path) = fs::read_link(EXE) else { return (EXE.to_owned(), Some(EXE.into())) };
    let same = match (fs::metadata(EXE), fs::metadata(&path)) {
        (Ok(running), Ok(named)) => (running.dev(), running.ino()) == (named.dev(), named.ino()),
        _ => false,
    };
    let name = path.to_string_lossy();
    let name = name.strip_suffix(" (deleted)").unwrap_or(&name).to_owned();
    (name, Some(if same { path } else { Path::new(EXE).to_owned() }))
}

const EXE: &str = "/proc/self/exe";
