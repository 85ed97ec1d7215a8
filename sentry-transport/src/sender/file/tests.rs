use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// A directory that is gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sentry-file-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn request(text: &str) -> Request {
    Request::new("http://host/", text.as_bytes().to_vec())
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn envelopes_are_appended_with_a_blank_line_between_them() {
    let scratch = Scratch::new("append");
    let path = scratch.0.join("log");
    let sender = FileSender::append(&path);
    sender.write(&request("a")).unwrap();
    sender.write(&request("b\n")).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "a\n\nb\n\n");
    assert_eq!(names(&scratch.0), ["log"]);
}

#[test]
fn a_full_file_gives_way_and_both_stay_within_the_bound() {
    let scratch = Scratch::new("rotate");
    let path = scratch.0.join("log");
    let sender = FileSender::append(&path).max_bytes(40);
    for number in 0..20 {
        sender.write(&request(&format!("entry {number:02}"))).unwrap();
        let sizes = [&path, &scratch.0.join("log.1")].map(|path| fs::metadata(path).map_or(0, |m| m.len()));
        assert!(sizes.iter().sum::<u64>() <= 40, "{sizes:?}");
    }
    let last = fs::read_to_string(&path).unwrap() + &fs::read_to_string(scratch.0.join("log.1")).unwrap();
    assert!(last.contains("entry 19") && last.contains("entry 18") && !last.contains("entry 00"), "{last}");
    assert!(sender.write(&request(&"x".repeat(40))).is_err(), "larger than the bound");
}

#[test]
fn a_file_per_envelope_the_oldest_go_first() {
    let scratch = Scratch::new("directory");
    let path = scratch.0.join("deep/outbox");
    let sender = FileSender::directory(&path).max_bytes(30);
    for number in 0..5 {
        sender.write(&request(&format!("envelope {number}"))).unwrap();
    }
    // A second run goes on where the first ended.
    FileSender::directory(&path).max_bytes(30).write(&request("envelope 5")).unwrap();
    let kept = names(&path);
    let texts: Vec<_> = kept.iter().map(|name| fs::read_to_string(path.join(name)).unwrap()).collect();
    assert_eq!(texts, ["envelope 3", "envelope 4", "envelope 5"], "{kept:?}");
    assert!(kept.iter().all(|name| name.ends_with(".envelope")));
    assert!(sender.write(&request(&"x".repeat(31))).is_err());
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_them() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let scratch = Scratch::new("mode");
    let (file, directory) = (scratch.0.join("log"), scratch.0.join("outbox"));
    FileSender::append(&file).write(&request("a")).unwrap();
    FileSender::directory(&directory).write(&request("a")).unwrap();
    assert_eq!((mode(&file), mode(&directory)), (0o600, 0o700));
    assert_eq!(mode(&directory.join(&names(&directory)[0])), 0o600);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_and_a_missing_directory_are_errors_that_say_where() {
    let full = FileSender::append("/dev/full").write(&request("a")).unwrap_err();
    assert!(full.to_string().starts_with("/dev/full: "), "{full}");
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    assert!(FileSender::append("/nowhere/log").write(&request("a")).is_err());
    assert!(FileSender::directory("/dev/null/outbox").write(&request("a")).is_err());
}

#[test]
fn a_file_that_is_taken_away_is_made_again() {
    let scratch = Scratch::new("again");
    let (file, directory) = (scratch.0.join("log"), scratch.0.join("outbox"));
    let (append, each) = (FileSender::append(&file), FileSender::directory(&directory));
    for _ in 0..2 {
        append.write(&request("a")).unwrap();
        each.write(&request("a")).unwrap();
        assert_eq!(names(&directory).len(), 1);
        fs::remove_file(&file).unwrap();
        fs::remove_dir_all(&directory).unwrap();
    }
}
