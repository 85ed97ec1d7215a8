//! Looks at the directory as the spool will, and changes nothing.

use std::fs::{self, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use sentry_core::clock;
use sentry_transport::spool::{self, State};

use super::{Content, Fault, Finding, is_replaceable};

pub(super) fn examine(dir: &Path) -> Finding {
    let metadata = match fs::symlink_metadata(dir) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return parent(dir).map(|()| Content::default());
        }
        Err(error) => return Err(unreadable(&error)),
    };
    if metadata.is_symlink() {
        return Err(fault("is a link", "name the directory that it leads to: links are not followed"));
    }
    if !metadata.is_dir() {
        return Err(fault("is a file", "name a directory"));
    }
    let ours = write(dir)?;
    owner(&metadata, &ours)?;
    place(dir)?;
    content(dir)
}

/// Of what is not there yet only the place can be examined.
fn parent(dir: &Path) -> Result<(), Fault> {
    place(dir)?;
    let existing = dir.ancestors().skip(1).find(|path| path.as_os_str().is_empty() || path.exists());
    match existing.map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path }) {
        Some(path) if path.is_dir() => write(path).map(drop),
        _ => Err(fault("cannot be made", "name a directory below one that is there")),
    }
}

fn place(dir: &Path) -> Result<(), Fault> {
    match is_replaceable(dir) {
        false => Ok(()),
        true => Err(fault(
            "lies in a directory that everybody may change",
            "choose another one, or take the right to write there from others (chmod o-w)",
        )),
    }
}

/// Whether files can be written; what a file of ours looks like.
fn write(dir: &Path) -> Result<Metadata, Fault> {
    let path = dir.join(format!("sentry-doctor-{}.tmp", std::process::id()));
    let written = OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| {
        file.write_all(&[0; 4096])?;
        file.metadata()
    });
    let _ = fs::remove_file(&path);
    written.map_err(|error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            fault("cannot be written, the disk is full", "make room, or choose a directory on another disk")
        }
        ErrorKind::ReadOnlyFilesystem => {
            fault("is on a file system that can only be read", "choose a directory that can be written")
        }
        _ => Fault {
            what: format!("cannot be written ({error})"),
            fix: "give this user the right to write there, or choose another directory",
        },
    })
}

#[cfg(unix)]
fn owner(dir: &Metadata, ours: &Metadata) -> Result<(), Fault> {
    use std::os::unix::fs::MetadataExt;

    if dir.uid() == ours.uid() {
        return Ok(());
    }
    Err(fault("belongs to another user", "choose a directory for each user"))
}

#[cfg(not(unix))]
fn owner(_dir: &Metadata, _ours: &Metadata) -> Result<(), Fault> {
    Ok(())
}

fn content(dir: &Path) -> Finding {
    let entries = spool::list(dir).map_err(|error| unreadable(&error))?;
    let mut content = Content { exists: true, ..Content::default() };
    let now = clock::now();
    for entry in &entries {
        if entry.state == State::Aside {
            content.aside += 1;
            continue;
        }
        content.waiting += 1;
        content.bytes += entry.size;
        let age = now.duration_since(entry.time).unwrap_or(Duration::ZERO);
        content.oldest = content.oldest.max(Some(age));
    }
    Ok(content)
}

fn unreadable(error: &Error) -> Fault {
    Fault {
        what: format!("cannot be read ({error})"),
        fix: "give this user the right to read it, or choose another directory",
    }
}

fn fault(what: &str, fix: &'static str) -> Fault {
    Fault { what: what.to_owned(), fix }
}
