//! A cache directory with what an earlier run has left, and a directory outside that nobody may touch.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use ingest::Server;

use crate::cache::Cache;
use crate::child::{MESSAGE, PANIC};
use crate::now;

/// Envelopes that an earlier run has left.
pub(crate) const LEFT: usize = 5;

#[derive(Debug)]
pub(crate) struct Place {
    /// Holds everything, and is gone with the test.
    pub(crate) root: Cache,
    pub(crate) cache: PathBuf,
    pub(crate) outside: PathBuf,
    /// The part of the cache directory that belongs to the server.
    pub(crate) home: PathBuf,
    /// The run that was left.
    pub(crate) run: PathBuf,
    pub(crate) server: Server,
    before: BTreeMap<PathBuf, String>,
}

/// What came of a start.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) init: Duration,
    /// What the machine kept the process waiting meanwhile.
    pub(crate) stalls: Duration,
    pub(crate) panic: Duration,
    pub(crate) flush: Duration,
    pub(crate) kib: u64,
    pub(crate) told: Vec<String>,
    /// Envelopes of the earlier run that came.
    pub(crate) left: usize,
}

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let root = Cache::new(name);
        let (cache, outside) = (root.0.join("cache"), root.0.join("outside"));
        fs::create_dir_all(&outside).expect("a directory");
        fs::write(outside.join("secret.txt"), "not for the wire").expect("a file");
        fs::create_dir(outside.join("inner")).expect("a directory");
        fs::write(outside.join("inner/data"), [7; 1_000]).expect("a file");
        let server = Server::start();
        server.refuse();
        let mut command = this();
        command.arg("leave").arg(server.dsn()).arg(&cache).arg(LEFT.to_string());
        assert!(command.stdin(Stdio::null()).status().expect("a child").success());
        server.resume();
        let home = only_dir(&cache, "v1-");
        let run = home.join(only_dir(&home, ""));
        Self { root, cache, outside, home, run, server, before: BTreeMap::new() }
    }

    /// The envelopes that were left, oldest first.
    pub(crate) fn left(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.run).expect("the run that was left").flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "env"));
        paths.sort();
        paths
    }

    /// From now on nothing outside may change.
    pub(crate) fn seal(&mut self) {
        self.before = picture(&self.outside);
    }

    pub(crate) fn start(&self, policy: &str, linger: u64, user: Option<u32>) -> Outcome {
        self.start_in(&mut this(), policy, &self.cache, linger, user)
    }

    /// Starts on `cache`, and checks what must hold whatever lies there.
    pub(crate) fn start_in(
        &self,
        command: &mut Command,
        policy: &str,
        cache: &Path,
        linger: u64,
        user: Option<u32>,
    ) -> Outcome {
        self.server.clear();
        command.arg("start").arg(policy).arg(self.server.dsn()).arg(cache).arg(linger.to_string());
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).current_dir(&self.root.0);
        let begin = now();
        let mut child = command.spawn().expect("a child");
        let mut outcome = Outcome::default();
        let output = BufReader::new(child.stdout.take().expect("its output"));
        for line in output.lines().map_while(Result::ok) {
            let (what, value) = line.split_once(' ').unwrap_or((&line, ""));
            let number = value.parse().unwrap_or(0);
            match what {
                "init" => outcome.init = Duration::from_micros(number),
                "stalls" => outcome.stalls = Duration::from_micros(number),
                "panic" => outcome.panic = Duration::from_micros(number),
                "flush" => outcome.flush = Duration::from_micros(number),
                "memory" => outcome.kib = number,
                _ => outcome.told.push(line.clone()),
            }
        }
        assert!(child.wait().expect("an end").success());
        let lasted = begin.elapsed();
        assert!(lasted < Duration::from_secs(10) + Duration::from_millis(linger), "{lasted:?}");
        self.check(&mut outcome);
        outcome
    }

    fn check(&self, outcome: &mut Outcome) {
        let mut texts: BTreeMap<String, usize> = BTreeMap::new();
        for event in self.server.accepted_events() {
            let text =
                event["message"].as_str().or_else(|| event["exception"]["values"][0]["value"].as_str());
            *texts.entry(text.unwrap_or("an event without a text").to_owned()).or_default() += 1;
        }
        assert_eq!(texts.remove(MESSAGE), Some(1), "{outcome:?}");
        assert_eq!(texts.remove(PANIC), Some(1), "{outcome:?}");
        outcome.left = texts.len();
        for (text, times) in texts {
            assert!(text.starts_with("left ") && times == 1, "{times} times {text:?}");
        }
        self.server.assert_clean();
        assert!(outcome.init < Duration::from_millis(100) + outcome.stalls, "{outcome:?}");
        // With a crowd to look at, the worker has the store to itself for a while.
        assert!(outcome.panic < Duration::from_secs(1), "{outcome:?}");
        assert!(outcome.kib < 128 * 1024, "{outcome:?}");
        let after = picture(&self.outside);
        let differs = |path: &&PathBuf| after.get(*path) != self.before.get(*path);
        let touched: Vec<_> = after.keys().chain(self.before.keys()).filter(differs).collect();
        assert!(touched.is_empty(), "touched outside: {touched:?}");
    }
}

/// This program, for another role.
pub(crate) fn this() -> Command {
    Command::new(std::env::current_exe().expect("our own path"))
}

fn only_dir(parent: &Path, prefix: &str) -> PathBuf {
    let entries = fs::read_dir(parent).expect("a directory").flatten();
    let is_it = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        path.is_dir() && name.starts_with(prefix) && (name.len() == 16 || !prefix.is_empty())
    };
    entries
        .map(|entry| entry.path())
        .find(is_it)
        .unwrap_or_else(|| panic!("no directory in {}", parent.display()))
}

/// Everything below a directory: kinds, modes, owners, times and contents.
fn picture(dir: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    add_picture(dir, &mut found);
    found
}

fn add_picture(path: &Path, found: &mut BTreeMap<PathBuf, String>) {
    let Ok(meta) = fs::symlink_metadata(path) else { return };
    let content = if meta.is_file() { fs::read(path).unwrap_or_default() } else { Vec::new() };
    let line = format!(
        "{:o} {} {} {} {}.{} {content:?}",
        meta.permissions().mode(),
        meta.uid(),
        meta.nlink(),
        meta.len(),
        meta.mtime(),
        meta.mtime_nsec()
    );
    found.insert(path.to_owned(), line);
    if meta.is_dir() {
        fs::read_dir(path)
            .into_iter()
            .flatten()
            .flatten()
            .for_each(|entry| add_picture(&entry.path(), found));
    }
}
