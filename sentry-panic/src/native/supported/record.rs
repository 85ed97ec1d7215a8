//! The file that a crash is written to.
//!
//! ```text
//!      0  head      magic, version, id of the event to be, process, start             written when it is made
//!     80  complete  checksum of the crash; 0 until all of the crash is there          ┐
//!     88  sent      not 0 once the event was handed over by the process itself        │ written in the crash
//!    128  crash     signal, thread, registers, addresses                              ┘
//!   4 Ki  scope     an event as JSON: what was known before the crash                  two places each, of which
//! 132 Ki  modules   debug images as JSON, written ahead                                the newer valid one counts
//! ```
//!
//! Everything lies at a fixed place, and each part carries its own checksum: a crash in the middle of writing a part costs
//! this part only.

use std::time::{Duration, SystemTime};

use sentry_core::types::Uuid;

use super::bytes::{Reader, Writer, checksum};

pub(crate) const HEAD: usize = 0;
pub(crate) const COMPLETE: usize = 80;
pub(crate) const SENT: usize = 88;
pub(crate) const CRASH: usize = 128;
pub(crate) const SCOPE: [usize; 2] = [4 << 10, 68 << 10];
pub(crate) const MODULES: [usize; 2] = [132 << 10, 388 << 10];

pub(crate) const CRASH_SIZE: usize = SCOPE[0] - CRASH;
pub(crate) const SCOPE_SIZE: usize = SCOPE[1] - SCOPE[0];
pub(crate) const MODULES_SIZE: usize = MODULES[1] - MODULES[0];
/// The longest content of the part.
pub(crate) const LARGEST_MODULES: usize = MODULES_SIZE - PART_HEAD;
/// What is allocated on disk ahead; the second place for modules is rarely used.
pub(crate) const PREALLOCATED: usize = MODULES[0];
/// No record is larger.
pub(crate) const LARGEST: usize = MODULES[1] + MODULES_SIZE;

/// Frames that are kept: the innermost, and of a very deep stack the outermost.
pub(crate) const NEWEST: usize = 128;
pub(crate) const OLDEST: usize = 32;

/// Registers that are kept.
pub(crate) const REGISTERS: usize = 40;

const MAGIC: &[u8; 8] = b"SENTRYCR";
const VERSION: u32 = 1;

/// What is known when a record is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) event_id: Uuid,
    pub(crate) process: u32,
    /// When the SDK was started, in nanoseconds since 1970.
    pub(crate) started: u64,
    /// See [`ARCHITECTURE`].
    pub(crate) architecture: u32,
}

/// The machine that registers are of.
pub(crate) const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") { X86_64 } else { AARCH64 };
pub(crate) const X86_64: u32 = 1;
pub(crate) const AARCH64: u32 = 2;

impl Head {
    pub(crate) fn encode(&self) -> [u8; COMPLETE] {
        let mut bytes = [0; COMPLETE];
        let mut writer = Writer::new(&mut bytes);
        writer.raw(MAGIC);
        writer.u32(VERSION);
        writer.u32(self.process);
        writer.raw(self.event_id.as_bytes());
        writer.u64(self.started);
        writer.u32(self.architecture);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.raw(MAGIC.len())? != MAGIC || reader.u32()? != VERSION {
            return None;
        }
        let process = reader.u32()?;
        let event_id = Uuid::from_bytes(reader.raw(16)?.try_into().ok()?);
        Some(Self { event_id, process, started: reader.u64()?, architecture: reader.u32()? })
    }
}

/// A crash. Numbers and fixed arrays only, so that it can lie in static memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crash {
    /// In nanoseconds since 1970.
    pub(crate) time: u64,
    pub(crate) thread: u32,
    pub(crate) name: [u8; 16],
    pub(crate) is_main: bool,
    /// What unwound the stack crashed itself.
    pub(crate) is_cut: bool,
    /// A panic of the same thread was reported before.
    pub(crate) has_panicked: bool,
    pub(crate) signal: i32,
    pub(crate) code: i32,
    pub(crate) address: u64,
    /// Who has sent the signal, if somebody has.
    pub(crate) sender: u32,
    pub(crate) registers: [u64; REGISTERS],
    pub(crate) register_count: usize,
    /// How many frames the stack had.
    pub(crate) depth: usize,
    /// Innermost first; beyond `NEWEST` a ring of the outermost ones.
    pub(crate) frames: [u64; NEWEST + OLDEST],
}

impl Crash {
    pub(crate) const fn new() -> Self {
        Self {
            time: 0,
            thread: 0,
            name: [0; 16],
            is_main: false,
            is_cut: false,
            has_panicked: false,
            signal: 0,
            code: 0,
            address: 0,
            sender: 0,
            registers: [0; REGISTERS],
            register_count: 0,
            depth: 0,
            frames: [0; NEWEST + OLDEST],
        }
    }

    /// Adds the next frame.
    pub(crate) fn push(&mut self, address: u64) {
        let at = if self.depth < NEWEST { self.depth } else { NEWEST + (self.depth - NEWEST) % OLDEST };
        if let Some(frame) = self.frames.get_mut(at) {
            *frame = address;
        }
        self.depth = self.depth.saturating_add(1);
    }

    /// The addresses that were kept, innermost first, and how many were left out after the first `NEWEST`.
    pub(crate) fn addresses(&self) -> (Vec<u64>, usize) {
        let newest = &self.frames[..self.depth.min(NEWEST)];
        let beyond = self.depth.saturating_sub(NEWEST);
        let ring = &self.frames[NEWEST..];
        let oldest: Vec<u64> = if beyond <= OLDEST {
            ring[..beyond].to_vec()
        } else {
            let first = beyond % OLDEST;
            ring[first..].iter().chain(&ring[..first]).copied().collect()
        };
        (newest.iter().copied().chain(oldest).collect(), beyond.saturating_sub(OLDEST))
    }

    pub(crate) fn encode(&self, buffer: &mut [u8]) -> usize {
        let mut writer = Writer::new(buffer);
        writer.u64(self.time);
        writer.u32(self.thread);
        writer.raw(&self.name);
        let flags = [self.is_main, self.is_cut, self.has_panicked];
        writer.u32(flags.into_iter().rev().fold(0, |bits, flag| bits << 1 | u32::from(flag)));
        writer.u32(self.signal as u32);
        writer.u32(self.code as u32);
        writer.u64(self.address);
        writer.u32(self.sender);
        writer.u32(self.register_count as u32);
        for register in self.registers.iter().take(self.register_count) {
            writer.u64(*register);
        }
        writer.u64(self.depth as u64);
        for frame in &self.frames {
            writer.u64(*frame);
        }
        writer.len()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut crash = Self::new();
        crash.time = reader.u64()?;
        crash.thread = reader.u32()?;
        crash.name = reader.raw(16)?.try_into().ok()?;
        let flags = reader.u32()?;
        [crash.is_main, crash.is_cut, crash.has_panicked] = [1, 2, 4].map(|flag| flags & flag != 0);
        crash.signal = reader.u32()? as i32;
        crash.code = reader.u32()? as i32;
        crash.address = reader.u64()?;
        crash.sender = reader.u32()?;
        crash.register_count = usize::try_from(reader.u32()?).ok()?;
        for register in crash.registers.get_mut(..crash.register_count)? {
            *register = reader.u64()?;
        }
        crash.depth = usize::try_from(reader.u64()?).ok()?;
        for frame in &mut crash.frames {
            *frame = reader.u64()?;
        }
        Some(crash)
    }
}

/// A part with its length and checksum in front.
pub(crate) const PART_HEAD: usize = 16;

/// The front of a part: written after its content.
pub(crate) fn part_head(content: &[u8], number: u32) -> [u8; PART_HEAD] {
    let mut bytes = [0; PART_HEAD];
    let mut writer = Writer::new(&mut bytes);
    writer.u32(content.len() as u32);
    writer.u32(number);
    writer.u64(checksum(content));
    bytes
}

/// The content of the part at a place, if it is whole, and its number.
fn part(bytes: &[u8], place: usize, size: usize) -> Option<(u32, &[u8])> {
    let mut reader = Reader::new(bytes.get(place..)?);
    let length = usize::try_from(reader.u32()?).ok()?;
    let number = reader.u32()?;
    let expected = reader.u64()?;
    if length == 0 || length > size - PART_HEAD {
        return None;
    }
    let content = reader.raw(length)?;
    (checksum(content) == expected).then_some((number, content))
}

/// A record as a later start finds it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) head: Head,
    pub(crate) crash: Crash,
    /// An event, as JSON.
    pub(crate) scope: Option<Vec<u8>>,
    /// A list of debug images, as JSON.
    pub(crate) images: Option<Vec<u8>>,
}

/// What a file turned out to be.
#[derive(Debug)]
pub(crate) enum Found {
    /// A crash to be reported.
    Crash(Box<Record>),
    /// Nothing has happened in that run, or it has reported by itself.
    Nothing,
    /// A crash that could not be written down completely, or no record at all.
    Broken,
}

impl Record {
    pub(crate) fn decode(bytes: &[u8]) -> Found {
        let word = |at: usize| bytes.get(at..at + 8).and_then(|word| Reader::new(word).u64());
        let (Some(head), Some(complete), Some(sent)) =
            (bytes.get(HEAD..COMPLETE).and_then(Head::decode), word(COMPLETE), word(SENT))
        else {
            return Found::Broken;
        };
        if sent != 0 {
            return Found::Nothing;
        }
        let raw = bytes.get(CRASH..SCOPE[0]).unwrap_or_default();
        if complete == 0 {
            return if raw.iter().all(|byte| *byte == 0) { Found::Nothing } else { Found::Broken };
        }
        let Some(crash) = Crash::decode(raw) else { return Found::Broken };
        let mut again = [0; CRASH_SIZE];
        let length = crash.encode(&mut again);
        if checksum(&again[..length]) != complete {
            return Found::Broken;
        }
        let newest = |places: [usize; 2], size| {
            let parts = places.iter().filter_map(|place| part(bytes, *place, size));
            parts.max_by_key(|part| part.0).map(|(_, content)| content.to_vec())
        };
        let (scope, images) = (newest(SCOPE, SCOPE_SIZE), newest(MODULES, MODULES_SIZE));
        Found::Crash(Box::new(Self { head, crash, scope, images }))
    }

    pub(crate) fn time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.crash.time)
    }

    /// How long after the start of the SDK it happened.
    pub(crate) fn age(&self) -> Duration {
        Duration::from_nanos(self.crash.time.saturating_sub(self.head.started))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crash() -> Crash {
        let mut crash = Crash { time: 5, thread: 7, signal: 11, code: 1, address: 0xdead, ..Crash::new() };
        (crash.is_main, crash.has_panicked) = (true, true);
        crash.register_count = 3;
        crash.registers[2] = 99;
        (0..5).for_each(|frame| crash.push(frame));
        crash
    }

    fn file(crash: &Crash) -> Vec<u8> {
        let mut file = vec![0; LARGEST];
        let head = Head { event_id: Uuid::from_u128(3), process: 1, started: 2, architecture: 1 };
        file[..COMPLETE].copy_from_slice(&head.encode());
        let length = crash.encode(&mut file[CRASH..SCOPE[0]]);
        let sum = checksum(&file[CRASH..CRASH + length]);
        file[COMPLETE..COMPLETE + 8].copy_from_slice(&sum.to_le_bytes());
        file
    }

    fn put(file: &mut [u8], place: usize, content: &[u8], number: u32) {
        file[place..place + PART_HEAD].copy_from_slice(&part_head(content, number));
        file[place + PART_HEAD..place + PART_HEAD + content.len()].copy_from_slice(content);
    }

    #[test]
    fn a_crash_survives_the_round_trip_with_the_newer_list_of_modules() {
        let mut file = file(&crash());
        put(&mut file, SCOPE[0], b"{}", 0);
        put(&mut file, MODULES[0], b"new", 3);
        put(&mut file, MODULES[1], b"old", 2);
        let Found::Crash(record) = Record::decode(&file) else { panic!("a crash") };
        assert_eq!((record.crash, record.scope.as_deref()), (crash(), Some(&b"{}"[..])));
        assert_eq!(record.images.as_deref(), Some(&b"new"[..]));
        file[MODULES[0] + PART_HEAD] ^= 1;
        file[SCOPE[0] + PART_HEAD] ^= 1;
        let Found::Crash(record) = Record::decode(&file) else { panic!("a crash") };
        assert_eq!((record.images.as_deref(), record.scope), (Some(&b"old"[..]), None));
    }

    #[test]
    fn files_without_a_whole_crash_are_told_apart() {
        let whole = file(&crash());
        let mut sent = whole.clone();
        sent[SENT] = 1;
        let mut cut = whole.clone();
        cut[COMPLETE..SENT].fill(0);
        let mut torn = whole.clone();
        torn[CRASH + 20] ^= 1;
        let mut quiet = whole.clone();
        quiet[COMPLETE..SCOPE[0]].fill(0);
        assert!(matches!(Record::decode(&sent), Found::Nothing));
        assert!(matches!(Record::decode(&quiet), Found::Nothing));
        for broken in [cut, torn, whole[..100].to_vec(), vec![], vec![0xff; LARGEST]] {
            assert!(matches!(Record::decode(&broken), Found::Broken));
        }
        for length in 0..whole.len().min(2_000) {
            let _ = Record::decode(&whole[..length]);
        }
    }

    #[test]
    fn of_a_very_deep_stack_both_ends_are_kept() {
        for depth in [0, 5, NEWEST, NEWEST + 1, NEWEST + OLDEST, NEWEST + OLDEST + 1, 10_000] {
            let mut crash = Crash::new();
            (0..depth as u64).for_each(|frame| crash.push(frame));
            let (addresses, omitted) = crash.addresses();
            assert_eq!(omitted, depth.saturating_sub(NEWEST + OLDEST));
            assert_eq!(addresses.len(), depth.min(NEWEST + OLDEST));
            let expected =
                (0..depth as u64).filter(|at| *at < NEWEST as u64 || *at >= depth as u64 - OLDEST as u64);
            if depth > 0 {
                let expected: Vec<u64> = expected.collect();
                assert_eq!(addresses, expected[..addresses.len()], "{depth}");
            }
        }
    }
}
