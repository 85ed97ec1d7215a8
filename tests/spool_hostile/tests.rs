//! The tests.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::{LEFT, Outcome, Place, this};
use crate::traps::{self, OTHER};

/// Enough for what was left to be sent.
const LINGER: u64 = 400;

pub(crate) fn run(only: &str) {
    let tests: [(&str, fn()); 13] = [
        ("a_directory_as_it_should_be", ordinary),
        ("files_that_are_none_or_not_ours", files),
        ("runs_and_locks_that_are_something_else", runs),
        ("parts_that_are_links", parts),
        ("parts_that_block_whoever_opens_them", parts_that_block),
        ("more_than_anybody_wants_to_look_at", crowd),
        ("things_of_other_users", of_others),
        ("a_link_in_the_place_of_a_directory", links_for_directories),
        ("a_path_that_leads_nowhere", odd_paths),
        ("a_parent_that_everybody_may_change", open_parent),
        ("a_directory_that_cannot_be_written", read_only),
        ("a_limit_on_the_size_of_files", no_room_for_files),
        ("a_full_disk", full_disk),
    ];
    for (name, test) in tests {
        if name.contains(only) || only.is_empty() || only.starts_with('-') {
            test();
            println!("test {name} ... ok");
        }
    }
}

/// Starts twice, with either policy. Whatever lies there lies there for the first one.
fn start(place: &mut Place, name: &str) -> [Outcome; 2] {
    place.seal();
    let outcomes = ["on-failure", "always"].map(|policy| place.start(policy, LINGER, None));
    for outcome in &outcomes {
        println!(
            "  {name}: init {:?}, panic {:?}, flush {:?}, {} KiB, {} of before, told {:?}",
            outcome.init, outcome.panic, outcome.flush, outcome.kib, outcome.left, outcome.told
        );
    }
    outcomes
}

fn ordinary() {
    let mut place = Place::new("ordinary");
    let [first, second] = start(&mut place, "as it should be");
    assert_eq!((first.left, second.left), (LEFT, 0));
    assert_eq!(first.told, [""; 0]);
}

fn files() {
    let mut place = Place::new("files");
    traps::files(&place);
    let [first, second] = start(&mut place, "files");
    assert_eq!((first.left, second.left), (LEFT, 0), "{first:?}");
}

fn runs() {
    let mut place = Place::new("runs");
    traps::runs(&place);
    let [first, second] = start(&mut place, "runs");
    assert_eq!((first.left, second.left), (LEFT, 0), "{first:?}");
}

fn parts() {
    let mut place = Place::new("parts");
    traps::parts(&place);
    // Something has to be set aside.
    traps::files(&place);
    let [first, second] = start(&mut place, "parts");
    assert_eq!((first.left, second.left), (LEFT, 0), "{first:?}");
}

fn parts_that_block() {
    let mut place = Place::new("blocking");
    traps::parts_that_block(&place);
    traps::files(&place);
    let [first, second] = start(&mut place, "parts that block");
    assert_eq!((first.left, second.left), (LEFT, 0), "{first:?}");
}

fn crowd() {
    let mut place = Place::new("crowd");
    traps::crowd(&place);
    let [first, second] = start(&mut place, "a crowd");
    assert_eq!(first.left + second.left, LEFT, "{first:?} {second:?}");
}

fn of_others() {
    if !is_root() {
        return println!("  left out: needs root");
    }
    let mut place = Place::new("others");
    traps::of_others(&place);
    let [first, second] = start(&mut place, "things of others");
    assert_eq!((first.left, second.left), (LEFT, 0), "{first:?}");
    for whose in ["its part", "all of it"] {
        let mut place = Place::new("others");
        let path = if whose == "its part" { &place.home } else { &place.cache };
        chown(path, Some(OTHER), Some(OTHER)).expect("another owner");
        let [first, second] = start(&mut place, whose);
        assert_eq!((first.left, second.left), (0, 0), "what belongs to others is not sent: {first:?}");
        assert!(is_told_once(&first) && is_told_once(&second), "{first:?}");
    }
}

fn links_for_directories() {
    for name in ["cache", "home", "run"] {
        let mut place = Place::new("links");
        let path = match name {
            "cache" => place.cache.clone(),
            "home" => place.home.clone(),
            _ => place.run.clone(),
        };
        let moved = place.outside.join(path.file_name().expect("a name"));
        fs::rename(&path, &moved).expect("moved");
        traps::link(&moved, &path);
        let [first, second] = start(&mut place, name);
        assert_eq!((first.left, second.left), (0, 0), "{first:?}");
        assert!(name == "run" || is_told_once(&first), "{first:?}");
    }
}

fn odd_paths() {
    let mut place = Place::new("paths");
    traps::fifo(&place.root.0.join("pipe"));
    traps::huge(&place.root.0.join("huge"));
    traps::link(&place.outside.join("missing"), &place.root.0.join("dangling"));
    traps::link(Path::new("circle"), &place.root.0.join("circle"));
    place.seal();
    let root = place.root.0.clone();
    let (long, deep) = ("x".repeat(5_000), "x/".repeat(3_000));
    let paths = [
        "pipe",
        "huge",
        "dangling",
        "circle",
        "pipe/inside",
        "dangling/inside",
        "circle/inside",
        &long,
        &deep,
    ];
    let absolute = ["/dev/null", "/dev/full", "/dev/null/inside", "/proc/self/nowhere", "/proc/self/fd"]
        .map(PathBuf::from);
    let relative = [PathBuf::new(), root.join("a/b/c/../d"), root.join("new/../outside/../fresh")];
    for path in paths.map(|path| root.join(path)).into_iter().chain(absolute).chain(relative) {
        let outcome = place.start_in(&mut this(), "always", &path, 0, None);
        let shown: String = path.display().to_string().chars().take(60).collect();
        println!(
            "  {shown}: init {:?}, panic {:?}, told {}",
            outcome.init,
            outcome.panic,
            outcome.told.len()
        );
        assert!(outcome.told.len() <= 1, "{outcome:?}");
    }
}

fn open_parent() {
    let mut place = Place::new("open");
    fs::set_permissions(&place.root.0, fs::Permissions::from_mode(0o777)).expect("a mode");
    let [first, second] = start(&mut place, "a parent that everybody may change");
    assert_eq!((first.left, second.left), (0, 0), "{first:?}");
    assert!(is_told_once(&first) && is_told_once(&second), "{first:?}");
}

fn read_only() {
    let mut place = Place::new("read-only");
    let user = is_root().then_some(OTHER);
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    for dir in [place.run.clone(), place.home.clone(), place.cache.clone()] {
        if user.is_some() {
            chown(&dir, user, user).expect("another owner");
            for file in fs::read_dir(&dir).expect("a directory").flatten() {
                chown(file.path(), user, user).expect("another owner");
            }
        }
        mode(&dir, 0o500);
    }
    place.seal();
    // Where another user may not go, a copy of this program.
    let program = place.root.0.join("program");
    fs::copy(std::env::current_exe().expect("our own path"), &program).expect("a copy");
    for policy in ["on-failure", "always"] {
        let outcome = place.start_in(&mut Command::new(&program), policy, &place.cache, LINGER, user);
        println!(
            "  read-only, {policy}: init {:?}, panic {:?}, told {:?}",
            outcome.init, outcome.panic, outcome.told
        );
        assert!(is_told_once(&outcome), "{outcome:?}");
    }
    // Only the inside.
    mode(&place.cache, 0o700);
    mode(&place.home, 0o700);
    let outcome = place.start_in(&mut Command::new(&program), "always", &place.cache, LINGER, user);
    println!(
        "  a run that is read-only: init {:?}, {} of before, told {:?}",
        outcome.init, outcome.left, outcome.told
    );
    mode(&place.run, 0o700);
}

/// Every file stays empty, as on a disk that is full.
fn no_room_for_files() {
    let mut place = Place::new("limit");
    place.seal();
    for policy in ["on-failure", "always"] {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]);
        command.arg(std::env::current_exe().expect("our own path"));
        let outcome = place.start_in(&mut command, policy, &place.cache, LINGER, None);
        println!(
            "  no room, {policy}: init {:?}, panic {:?}, told {:?}",
            outcome.init, outcome.panic, outcome.told
        );
        assert!(is_told_once(&outcome), "{outcome:?}");
    }
}

fn full_disk() {
    let mut place = Place::new("full");
    let disk = place.root.0.join("disk");
    fs::create_dir(&disk).expect("a directory");
    let mount =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=128k,mode=700", "tmpfs"]).arg(&disk).status();
    if !is_root() || !mount.is_ok_and(|status| status.success()) {
        return println!("  left out: nothing can be mounted here");
    }
    let _mounted = Mounted(&disk);
    // Everything but a page or two.
    let filled = fs::write(disk.join("filler"), vec![0; 1 << 20]);
    assert!(filled.is_err(), "the disk is full");
    place.seal();
    for policy in ["on-failure", "always"] {
        let outcome = place.start_in(&mut this(), policy, &disk.join("cache"), LINGER, None);
        println!(
            "  full, {policy}: init {:?}, panic {:?}, told {:?}",
            outcome.init, outcome.panic, outcome.told
        );
        assert!(is_told_once(&outcome), "{outcome:?}");
    }
    // Room again: nothing is left of what did not fit.
    fs::remove_file(disk.join("filler")).expect("removed");
    let outcome = place.start_in(&mut this(), "always", &disk.join("cache"), LINGER, None);
    assert_eq!(outcome.told, [""; 0]);
}

struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

fn is_told_once(outcome: &Outcome) -> bool {
    matches!(&outcome.told[..], [line] if line.starts_with("told ") && line.contains("cache directory"))
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}
