//! One directory from its first process to its last: children that are started and killed, weather, and in the end processes
//! that find calm weather and send what is left. Everything follows from one seed.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ingest::{Reply, Server};

use crate::books::{Books, End, Totals};
use crate::cache::Cache;
use crate::child::Order;
use crate::disk;
use crate::now;
use crate::random::{Random, mix};

/// Nothing is left alone for longer.
const LONGEST_LIFE: Duration = Duration::from_millis(400);

/// What a seed stands for.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) seed: u64,
    /// Processes at a time.
    pub(crate) width: u64,
    /// Kills of each.
    pub(crate) kills: u64,
}

/// When a child is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    After(Duration),
    /// When it has said so many lines.
    Lines(usize),
    /// When the server has taken in so many requests: the answer is on its way.
    Requests(usize),
}

impl Round {
    pub(crate) fn of_seed(seed: u64, is_crowd: bool) -> Self {
        let mut random = Random::new(seed);
        let width = if is_crowd { 2 + random.below(7) } else { 1 };
        Self { seed, width, kills: 1 + random.below(if is_crowd { 3 } else { 8 }) }
    }

    pub(crate) fn run(&self) -> Result<Totals, Vec<String>> {
        let mut random = Random::new(mix(self.seed));
        let is_always = random.percent(50);
        let cache = Cache::new("kills");
        let server = Server::builder().latency(random.millis(15)).start();
        // The complaints are among our own findings.
        server.allow_problems();
        let books = Mutex::new(Books { is_always, ..Books::default() });
        let (watching, exits) = (AtomicBool::new(true), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| watch(&cache, &watching, &books));
            let stage = Stage {
                round: self,
                cache: &cache,
                server: &server,
                books: &books,
                is_always,
                exits: &exits,
            };
            let slots: Vec<_> = (0..self.width).map(|slot| scope.spawn(move || stage.slot(slot))).collect();
            let ends = slots.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>();
            server.mix([]);
            server.otherwise(Reply::ok());
            server.latency(Duration::ZERO);
            stage.drain();
            watching.store(false, Ordering::Relaxed);
            ends.into_iter().for_each(|end| end.expect("no slot panics"));
        });
        let mut wrong = server.problems();
        wrong.extend(disk::remains(&cache.0).iter().map(|path| {
            let content = String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
            format!("left behind: {}: {content:?}", path.strip_prefix(&cache.0).unwrap_or(path).display())
        }));
        let books = books.into_inner().unwrap_or_else(PoisonError::into_inner);
        match books.close(&server.log()) {
            Ok(totals) if wrong.is_empty() => Ok(Totals {
                kills: (self.width * self.kills) as usize - exits.load(Ordering::Relaxed),
                exits: exits.load(Ordering::Relaxed),
                ..totals
            }),
            Ok(_) => Err(wrong),
            Err(more) => {
                wrong.extend(more);
                Err(wrong)
            }
        }
    }
}

/// What is on disk, seen a few hundred times a second: none of it may be lost.
fn watch(cache: &Cache, watching: &AtomicBool, books: &Mutex<Books>) {
    while watching.load(Ordering::Relaxed) {
        let ids = disk::ids(&cache.0);
        lock(books).spooled.extend(ids.into_iter().map(|id| (id, "seen on disk")));
        std::thread::sleep(Duration::from_millis(3));
    }
}

#[derive(Clone, Copy)]
struct Stage<'a> {
    round: &'a Round,
    cache: &'a Cache,
    server: &'a Server,
    books: &'a Mutex<Books>,
    is_always: bool,
    exits: &'a AtomicUsize,
}

impl Stage<'_> {
    /// Starts one child after the other and kills it.
    fn slot(self, slot: u64) {
        let mut random = Random::new(mix(self.round.seed ^ (slot + 1)));
        for _ in 0..self.round.kills {
            if slot == 0 {
                self.change_weather(&mut random);
            }
            let moment = match random.below(10) {
                0..6 => Moment::After(random.millis(LONGEST_LIFE.as_millis() as u64)),
                6..8 => Moment::Lines(random.below(200) as usize),
                _ => Moment::Requests(random.below(60) as usize),
            };
            self.life(random.next(), moment);
        }
    }

    fn change_weather(&self, random: &mut Random) {
        let flaky = [
            (0.05, Reply::reset()),
            (0.05, Reply::close_after_body()),
            (0.03, Reply::reset_after_body()),
            (0.03, Reply::status(503)),
            // Of another category than everything here: it costs the item it answers, and no other.
            (0.01, Reply::rate_limited("1:transaction:organization")),
        ];
        self.server.mix(if random.percent(70) { flaky.to_vec() } else { Vec::new() });
        self.server.otherwise(match random.below(10) {
            0 => Reply::hang(),
            1 => Reply::reset(),
            2 => Reply::status(503),
            3 => Reply::close_after_body(),
            4 => Reply::ok().after(Duration::from_millis(80)),
            _ => Reply::ok(),
        });
    }

    fn order(&self, seed: u64) -> Order {
        Order { seed, is_always: self.is_always, dsn: self.server.dsn(), cache: self.cache.0.clone() }
    }

    fn life(&self, seed: u64, moment: Moment) {
        let order = self.order(seed);
        let mut child = start(&order, "capture");
        let lines = AtomicUsize::new(0);
        let output = BufReader::new(child.stdout.take().expect("its output"));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for line in output.lines().map_while(Result::ok) {
                    lines.fetch_add(1, Ordering::Relaxed);
                    self.note(&line);
                }
            });
            self.wait(moment, &lines);
            let has_ended = child.try_wait().expect("a state").is_some();
            self.exits.fetch_add(usize::from(has_ended), Ordering::Relaxed);
            child.kill().expect("a process");
            child.wait().expect("an end");
        });
        let on_disk = disk::ids(&self.cache.0);
        let mut books = lock(self.books);
        books.spooled.extend(on_disk.iter().cloned().map(|id| (id, "on disk after a kill")));
        let on_disk = (self.round.width == 1).then_some(on_disk);
        books.ends.push(End { user_agent: order.user_agent(), on_disk });
    }

    fn note(&self, line: &str) {
        match line.split_once(' ') {
            Some(("spooled", id)) => {
                _ = lock(self.books).spooled.insert(id.to_owned(), "the hook has returned")
            }
            Some(("dropped" | "told", what)) => {
                *lock(self.books).told.entry(what.to_owned()).or_default() += 1
            }
            Some(("captured", id)) => _ = lock(self.books).captured.insert(id.to_owned()),
            _ => lock(self.books).captured.extend([format!("a line of nobody: {line}")]),
        }
    }

    fn wait(&self, moment: Moment, lines: &AtomicUsize) {
        let end = now() + LONGEST_LIFE;
        match moment {
            Moment::After(time) => std::thread::sleep(time),
            Moment::Lines(count) => {
                while lines.load(Ordering::Relaxed) < count && now() < end {
                    std::thread::sleep(Duration::from_micros(200));
                }
            }
            Moment::Requests(count) => {
                let mut target = None;
                let _ = self.server.wait_for(
                    |log| log.requests().len() >= *target.get_or_insert_with(|| log.requests().len() + count),
                    LONGEST_LIFE,
                );
            }
        }
    }

    fn drain(&self) {
        let mut random = Random::new(!self.round.seed);
        let drains: Vec<_> =
            (0..self.round.width).map(|_| start(&self.order(random.next()), "drain")).collect();
        for mut child in drains {
            let output = BufReader::new(child.stdout.take().expect("its output"));
            output.lines().map_while(Result::ok).for_each(|line| self.note(&line));
            child.wait().expect("an end");
        }
    }
}

fn start(order: &Order, role: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("our own path"));
    command.args(order.arguments(role)).env_clear().stdin(Stdio::null()).stdout(Stdio::piped());
    let is_shown = std::env::var_os("SENTRY_TEST_SHOW").is_some();
    command.stderr(if is_shown { Stdio::inherit() } else { Stdio::null() });
    command.spawn().expect("a child")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
