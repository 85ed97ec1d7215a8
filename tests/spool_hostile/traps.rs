//! What may lie in a cache directory.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::Command;

use crate::place::Place;

/// Nobody.
pub(crate) const OTHER: u32 = 65_534;

pub(crate) fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("mkfifo");
    assert!(made.success(), "{}", path.display());
}

/// A gigabyte that takes no room.
pub(crate) fn huge(path: &Path) {
    fs::File::create(path).and_then(|file| file.set_len(1 << 30)).expect("a sparse file");
}

pub(crate) fn link(to: &Path, path: &Path) {
    symlink(to, path).expect("a link");
}

/// The name of an envelope, for bytes of this length and checksum.
fn name(place: &Place, sequence: u64, length: u64, checksum: u32) -> String {
    let left = place.left();
    let text = left[0].file_name().expect("a name").to_string_lossy().into_owned();
    let mut parts: Vec<String> = text.split('-').map(str::to_owned).collect();
    parts[0] = format!("{sequence:016x}");
    parts[4] = format!("{length:08x}");
    parts[5] = format!("{checksum:08x}");
    parts.join("-")
}

/// CRC-32 as gzip has it, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// A run of nobody: a lock that is free, and a directory.
pub(crate) fn run(place: &Place, id: &str) -> std::path::PathBuf {
    let run = place.home.join(id);
    fs::create_dir(&run).expect("a directory");
    fs::write(place.home.join(format!("{id}.lock")), "").expect("a lock");
    run
}

/// Files in the run that was left.
pub(crate) fn files(place: &Place) {
    let (run, outside) = (&place.run, &place.outside);
    let secret = fs::read(outside.join("secret.txt")).expect("the secret");
    // The name is right in every part: following the link would send the secret, or remove it.
    let right = name(place, 0x100, secret.len() as u64, crc(&secret));
    link(&outside.join("secret.txt"), &run.join(right));
    link(&outside.join("inner"), &run.join(name(place, 0x101, 4096, 1)));
    link(Path::new("/dev/zero"), &run.join(name(place, 0x102, 20_000, 2)));
    link(&outside.join("missing"), &run.join(name(place, 0x103, 10, 3)));
    fifo(&run.join(name(place, 0x104, 10, 4)));
    fs::create_dir(run.join(name(place, 0x105, 10, 5))).expect("a directory");
    huge(&run.join(name(place, 0x106, 1 << 30, 6)));
    huge(&run.join(name(place, 0x107, 200, 7)));
    huge(&run.join(name(place, 0x108, u64::from(u32::MAX), 8)));
    // Cut short, changed, empty.
    let good = fs::read(&place.left()[0]).expect("an envelope");
    fs::write(run.join(name(place, 0x109, good.len() as u64, crc(&good))), &good[..good.len() / 2])
        .expect("a file");
    let mut changed = good.clone();
    changed[10] ^= 1;
    fs::write(run.join(name(place, 0x10a, good.len() as u64, crc(&good))), &changed).expect("a file");
    fs::write(run.join(name(place, 0x10b, good.len() as u64, crc(&good))), "").expect("a file");
    // Right in every part, and no envelope.
    for (sequence, bytes) in
        [(0x10c, &b"garbage"[..]), (0x10d, b"{}\n{\"type\":\"event\"}\n"), (0x10e, b"\xff\x00\n")]
    {
        fs::write(run.join(name(place, sequence, bytes.len() as u64, crc(bytes))), bytes).expect("a file");
    }
    let names: [&[u8]; 7] = [
        b"..env",
        b"....env",
        b"..%2f..%2fsecret.env",
        b"..\\..\\secret.env",
        b"\xff\xfe\xfd.env",
        b"-------.env",
        b"a\nb.env",
    ];
    for name in names {
        fs::write(run.join(OsStr::from_bytes(name)), "x").expect("a file");
    }
    fs::write(run.join("x".repeat(255)), "x").expect("a file");
    link(&outside.join("secret.txt"), &run.join(format!("{}.tmp", name(place, 0x10f, 16, 9))));
    fifo(&run.join(format!("{}.tmp", name(place, 0x110, 16, 10))));
    fs::create_dir(run.join(format!("{}.tmp", name(place, 0x111, 16, 11)))).expect("a directory");
}

/// Runs and locks that are something else.
pub(crate) fn runs(place: &Place) {
    let (home, outside) = (&place.home, &place.outside);
    let id = |number: u32| format!("{number:016x}");
    let lock = |number: u32| home.join(format!("{number:016x}.lock"));
    // A run that lies outside.
    link(&outside.join("inner"), &home.join(id(1)));
    fs::write(lock(1), "").expect("a lock");
    // Locks that lie outside, that block whoever opens them, and that are no files.
    fs::create_dir(home.join(id(2))).expect("a directory");
    link(&outside.join("secret.txt"), &lock(2));
    fs::create_dir(home.join(id(3))).expect("a directory");
    fifo(&lock(3));
    fs::create_dir(home.join(id(4))).expect("a directory");
    fs::create_dir(lock(4)).expect("a directory");
    fs::write(home.join(id(5)), "a file").expect("a file");
    fs::write(lock(5), "").expect("a lock");
    fifo(&home.join(id(6)));
    fs::write(lock(6), "").expect("a lock");
    huge(&lock(7));
    fs::create_dir(home.join(id(7))).expect("a directory");
    link(&outside.join("missing"), &lock(8));
    link(&outside.join("secret.txt"), &home.join(format!("{}.lock.tmp", id(9))));
    fifo(&home.join(format!("{}.lock.tmp", id(10))));
    link(Path::new(".."), &home.join(id(11)));
    fs::write(lock(11), "").expect("a lock");
    link(&lock(12), &lock(12));
}

/// The other things that the directory holds.
pub(crate) fn parts(place: &Place) {
    let (home, outside) = (&place.home, &place.outside);
    link(&outside.join("inner"), &home.join("aside"));
    let _ = fs::remove_dir_all(home.join("crashes"));
    link(&outside.join("inner"), &home.join("crashes"));
    for part in ["consent", "session", "state"] {
        let _ = fs::remove_file(home.join(part));
        link(&outside.join("secret.txt"), &home.join(part));
    }
}

/// Parts that block whoever opens them, or are larger than memory.
pub(crate) fn parts_that_block(place: &Place) {
    let home = &place.home;
    fs::create_dir(home.join("aside")).expect("a directory");
    for number in 0..6 {
        fifo(&home.join("aside").join(format!("{number}.env")));
    }
    let _ = fs::create_dir(home.join("crashes"));
    fifo(&home.join("crashes").join(format!("{:016x}.note", 1)));
    huge(&home.join("crashes").join(format!("{:016x}.note", 2)));
    link(&place.outside.join("secret.txt"), &home.join("crashes").join(format!("{:016x}.note", 3)));
    fs::create_dir(home.join("crashes").join(format!("{:016x}.note", 4))).expect("a directory");
    fifo(&home.join("consent"));
}

/// More than anybody wants to look at.
pub(crate) fn crowd(place: &Place) {
    for number in 0..20_000 {
        fs::write(place.home.join(format!("junk-{number}")), "").expect("a file");
    }
    for number in 0..5_000 {
        fs::write(place.run.join(format!("junk-{number}.env")), "").expect("a file");
    }
    for number in 0..2_000 {
        run(place, &format!("{number:016x}"));
    }
    let _ = fs::create_dir(place.home.join("crashes"));
    for number in 0..5_000 {
        fs::write(place.home.join("crashes").join(format!("{number:016x}.note")), "x").expect("a file");
    }
}

/// Things of another user; for a test that runs as root.
pub(crate) fn of_others(place: &Place) {
    let other = |path: &Path| chown(path, Some(OTHER), Some(OTHER)).expect("another owner");
    let good = fs::read(&place.left()[0]).expect("an envelope");
    let file = place.run.join(name(place, 0x200, good.len() as u64, crc(&good)));
    fs::write(&file, &good).expect("a file");
    other(&file);
    let foreign = run(place, "00000000000000aa");
    fs::write(foreign.join(name(place, 1, good.len() as u64, crc(&good))), &good).expect("a file");
    other(&foreign);
    let locked = run(place, "00000000000000bb");
    fs::write(locked.join(name(place, 1, good.len() as u64, crc(&good))), &good).expect("a file");
    other(&place.home.join("00000000000000bb.lock"));
    let open = run(place, "00000000000000cc");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("a mode");
}
