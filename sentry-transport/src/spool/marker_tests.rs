use std::sync::atomic::{AtomicU32, Ordering};

use sentry_core::clock;

use super::*;

/// A private directory of its own, gone with the test.
struct Home(PathBuf);

impl Home {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let cache = std::env::temp_dir().join(format!("sentry-marker-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&cache);
        for dir in [&cache, &cache.join("v1-0")] {
            let mut builder = DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(dir).unwrap();
        }
        Self(cache.join("v1-0"))
    }

    fn crashes(&self) -> PathBuf {
        self.0.join("crashes")
    }

    /// How many notes there are, and whatever else there is.
    fn notes(&self) -> usize {
        fs::read_dir(self.crashes()).map_or(0, Iterator::count)
    }

    fn marker(&self) -> Marker {
        Marker::new(Some(&self.0))
    }

    /// A run that begins now; `after` that it crashes with the event `id`.
    fn crash(&self, id: u128, after: Duration, is_certain: bool) -> Marker {
        let (marker, now) = (self.marker(), clock::instant());
        marker.start(now);
        marker.note(Uuid::from_u128(id), at(id), is_certain, now + after);
        marker
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.parent().unwrap());
    }
}

fn at(second: u128) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(second as u64)
}

fn crashed(id: u128, at_start: bool) -> LastRun {
    LastRun::Crashed(CrashedRun::new(Uuid::from_u128(id), at(id), at_start))
}

const LATER: Duration = Duration::from_secs(3);
const SOON: Duration = Duration::from_millis(1_900);

#[test]
fn what_the_start_has_waited_for_is_no_part_of_the_run() {
    let home = Home::new();
    let (marker, now) = (home.marker(), clock::instant());
    marker.restart(now);
    marker.start(now);
    marker.restart(now + LATER);
    marker.note(Uuid::from_u128(7), at(7), false, now + LATER + SOON);
    drop(marker);
    assert_eq!(home.marker().start(clock::instant()), crashed(7, true));
}

#[test]
fn a_crash_is_told_once_and_leaves_nothing() {
    let home = Home::new();
    assert_eq!(home.marker().start(clock::instant()), LastRun::Ended);
    drop(home.crash(7, SOON, false));
    assert_eq!(home.marker().start(clock::instant()), crashed(7, true));
    assert_eq!(home.marker().start(clock::instant()), LastRun::Ended);
    assert_eq!(home.notes(), 0);
    drop(home.crash(8, LATER, true));
    assert_eq!(home.marker().start(clock::instant()), crashed(8, false));
}

#[test]
fn a_process_that_lives_has_not_crashed() {
    let home = Home::new();
    let alive = home.crash(7, SOON, true);
    assert_eq!(home.marker().start(clock::instant()), LastRun::Ended);
    drop(home.crash(8, SOON, true));
    assert_eq!(home.marker().start(clock::instant()), crashed(8, true));
    assert_eq!(home.notes(), 1, "the note of the living is still there");
    drop(alive);
    assert_eq!(home.marker().start(clock::instant()), crashed(7, true));
}

#[test]
fn a_panic_that_was_survived_is_taken_back() {
    let home = Home::new();
    let marker = home.crash(7, SOON, false);
    let at = marker.survived_at().unwrap();
    marker.survive(at - Duration::from_millis(1));
    assert_eq!(home.notes(), 1);
    marker.survive(at);
    assert_eq!(home.notes(), 0);
    assert_eq!(marker.survived_at(), None);
    // The next one is noted again.
    marker.note(Uuid::from_u128(8), self::at(8), false, at);
    marker.end();
    assert_eq!(home.notes(), 0);
    drop(marker);
    assert_eq!(home.marker().start(clock::instant()), LastRun::Ended);
}

#[test]
fn what_is_certain_stays_and_counts_over_what_is_not() {
    let home = Home::new();
    let marker = home.crash(7, LATER, false);
    marker.note(Uuid::from_u128(8), at(8), true, clock::instant());
    marker.note(Uuid::from_u128(9), at(9), false, clock::instant());
    assert_eq!(marker.survived_at(), None);
    marker.end();
    assert_eq!(home.notes(), 1, "one process, one note");
    drop(marker);
    assert_eq!(home.marker().start(clock::instant()), crashed(8, true));
}

#[test]
fn of_several_the_latest_is_told() {
    let home = Home::new();
    // They live at the same time: the start of none comes after the crash of another.
    let processes = [3, 9, 5].map(|id| (id, home.crash(id, LATER, true)));
    drop(processes);
    assert_eq!(home.marker().start(clock::instant()), crashed(9, false));
    assert_eq!(home.notes(), 0);
}

#[test]
fn nothing_is_noted_before_the_start_or_without_a_directory() {
    let home = Home::new();
    home.marker().note(Uuid::from_u128(1), at(1), true, clock::instant());
    assert_eq!(home.notes(), 0);
    let nowhere = Marker::new(None);
    assert_eq!(nowhere.start(clock::instant()), LastRun::Unknown);
    nowhere.note(Uuid::from_u128(1), at(1), true, clock::instant());
    // The part of the directory is not there, because the spool could not make it.
    let missing = Marker::new(Some(&home.0.join("missing")));
    assert_eq!(missing.start(clock::instant()), LastRun::Ended);
    missing.note(Uuid::from_u128(1), at(1), true, clock::instant());
    assert!(!home.0.join("missing").exists());
}

#[test]
fn a_child_has_begun_with_its_parent() {
    let home = Home::new();
    let (parent, child) = (home.marker(), home.marker());
    parent.start(clock::instant());
    child.inherit(&parent);
    child.note(Uuid::from_u128(1), at(1), true, clock::instant());
    drop(child);
    assert_eq!(home.marker().start(clock::instant()), crashed(1, true));
}

#[test]
fn garbage_is_no_crash_and_is_not_met_twice() {
    let home = Home::new();
    make_private(&home.crashes()).unwrap();
    let good = Crash { event_id: Uuid::from_u128(1), time: 5, at_start: true, is_certain: false };
    let text = good.to_string();
    assert_eq!((text.len(), text.parse()), (LENGTH, Ok(good)));
    let long = text.repeat(10_000);
    let bad = [
        "",
        "\n",
        "1",
        text.trim(),
        &text[..30],
        &text[1..],
        &text.to_uppercase(),
        &text.replace(' ', "  "),
        &long,
        "2 x",
    ];
    for (index, text) in bad.iter().enumerate() {
        assert_eq!(text.parse::<Crash>(), Err(()), "{text:.60}");
        fs::write(home.crashes().join(format!("{index:016x}.note")), text).unwrap();
    }
    fs::write(home.crashes().join(format!("{:016x}.note", 98)), [0xff; 56]).unwrap();
    fs::write(home.crashes().join(format!("{:016x}.tmp", 99)), &text).unwrap();
    assert_eq!(home.marker().start(clock::instant()), LastRun::Ended);
    assert_eq!(home.notes(), 0);
}

#[test]
fn what_is_not_a_note_is_left_alone() {
    let home = Home::new();
    make_private(&home.crashes()).unwrap();
    for name in ["0.note", "000000000000000g.note", "0000000000000001", "0000000000000001.env", ".note"] {
        fs::write(home.crashes().join(name), "x").unwrap();
    }
    fs::create_dir(home.crashes().join("0000000000000002.note")).unwrap();
    assert_eq!(home.marker().start(clock::instant()), LastRun::Ended);
    assert_eq!(home.notes(), 6);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_and_open_directories_not_believed() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let home = Home::new();
    let elsewhere = Home::new();
    let target = elsewhere.0.join("0000000000000001.note");
    let crash = Crash { event_id: Uuid::from_u128(1), time: 5, at_start: true, is_certain: true };
    fs::write(&target, crash.to_string()).unwrap();
    symlink(&elsewhere.0, home.crashes()).unwrap();
    assert_eq!(home.marker().start(clock::instant()), LastRun::Unknown);
    drop(home.crash(7, SOON, true));
    assert_eq!(fs::read_dir(&elsewhere.0).unwrap().count(), 1, "nothing is written through a link");
    fs::remove_file(home.crashes()).unwrap();

    make_private(&home.crashes()).unwrap();
    symlink(&target, home.crashes().join("0000000000000001.note")).unwrap();
    assert_eq!(home.marker().start(clock::instant()), LastRun::Ended);
    assert!(target.exists());

    drop(home.crash(8, SOON, true));
    fs::set_permissions(home.crashes(), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(home.marker().start(clock::instant()), LastRun::Unknown, "anybody could have written that");
}

#[test]
fn a_start_without_notes_and_a_second_crash_cost_next_to_nothing() {
    let home = Home::new();
    let marker = home.marker();
    marker.prepare();
    let time = |count: u32, work: &dyn Fn(u32)| {
        let begun = clock::instant();
        (0..count).for_each(work);
        begun.elapsed() / count
    };
    let start = time(1_000, &|_| assert_eq!(marker.start(clock::instant()), LastRun::Ended));
    let note = |id: u32| marker.note(Uuid::from_u128(id.into()), at(1), false, clock::instant());
    let first = time(1, &note);
    let again = time(1_000, &note);
    println!("a start: {start:?}, the first note: {first:?}, another: {again:?}");
    // Loose, for machines that have something else to do.
    assert!(start.max(again) < Duration::from_millis(1), "{start:?} {again:?}");
}

#[test]
fn many_start_at_once_and_one_of_them_is_told() {
    let home = Home::new();
    drop(home.crash(7, SOON, true));
    let told = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| home.marker().start(clock::instant()))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(told.iter().filter(|told| **told == crashed(7, true)).count(), 1, "{told:?}");
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    let (home, outside) = (Home::new(), Home::new());
    for link in [home.0.clone(), home.0.parent().unwrap().to_owned()] {
        fs::remove_dir_all(&link).unwrap();
        let target = if link == home.0 { outside.0.clone() } else { outside.0.parent().unwrap().to_owned() };
        std::os::unix::fs::symlink(target, &link).unwrap();
        let marker = home.crash(7, Duration::ZERO, true);
        marker.prepare();
        assert!(!outside.crashes().exists());
        fs::remove_file(&link).unwrap();
        fs::create_dir_all(&home.0).unwrap();
    }
}
