//! The numbers.
//!
//! Those of the protocol (1.6, 14.1, 14.11, 15, 16), and where it has none, those at which Relay cuts.

use sentry_core::ClientOptions;

/// One item of an envelope: an event, a transaction, a batch of records.
pub(super) const ITEM: usize = 1024 * 1024;

/// An envelope, before it is compressed.
pub(super) const ENVELOPE: u64 = 200 * 1024 * 1024;

/// One attachment, unless the options say otherwise.
pub(super) const ATTACHMENT: usize = 20 * 1024 * 1024;

/// Buckets of one item of sessions.
pub(super) const SESSIONS: usize = 100;

/// A slug of a monitor.
pub(super) const SLUG: usize = 50;

/// How long a text may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Most {
    /// In characters, when it is cut.
    pub(super) chars: usize,
    /// It is not cut for so few more.
    pub(super) allowance: usize,
}

const fn most(chars: usize) -> Most {
    Most { chars, allowance: 0 }
}

impl Most {
    /// With a bound that is lower, if it is.
    pub(super) fn or(self, chars: usize) -> Self {
        if chars < self.chars { most(chars) } else { self }
    }
}

/// How much of a JSON value is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bag {
    /// Bytes of all of it.
    pub(super) bytes: usize,
    /// Levels; what lies deeper becomes a text.
    pub(super) depth: u32,
}

/// What one walk cuts down to.
#[derive(Clone, Debug)]
pub(super) struct Caps {
    /// Messages and values of exceptions.
    pub(super) message: Most,
    /// Other texts of the application, inside of values.
    pub(super) value: usize,
    pub(super) culprit: Most,
    pub(super) transaction: Most,
    pub(super) logger: Most,
    pub(super) ty: Most,
    pub(super) module: Most,
    pub(super) mechanism: Most,
    pub(super) function: Most,
    /// Names and paths of files.
    pub(super) path: Most,
    pub(super) line: Most,
    /// Lines before or after a line.
    pub(super) lines: usize,
    pub(super) thread: Most,
    pub(super) label: Most,
    pub(super) email: Most,
    pub(super) flag: Most,
    pub(super) url: Most,
    pub(super) tag: Most,
    pub(super) feedback: Most,
    pub(super) description: Most,
    pub(super) part: Most,
    /// Parts of a fingerprint.
    pub(super) parts: usize,
    /// Bytes of all tags.
    pub(super) tags: usize,
    pub(super) extra: Bag,
    pub(super) extra_item: usize,
    /// Of each context.
    pub(super) context: Bag,
    /// Bytes of all contexts.
    pub(super) contexts: usize,
    /// Variables, data of breadcrumbs and of mechanisms, parameters.
    pub(super) data: Bag,
    /// Data of a span.
    pub(super) span: Bag,
    pub(super) user: Bag,
    pub(super) modules: usize,
    /// Bodies, headers and environments, each.
    pub(super) request: usize,
    pub(super) query: usize,
    pub(super) breadcrumbs: usize,
    pub(super) exceptions: usize,
    /// Of one stack: half of them from each end.
    pub(super) frames: usize,
    /// Frames of one stack with variables and lines around: half of them from each end.
    pub(super) detailed: usize,
    pub(super) threads: usize,
    pub(super) registers: usize,
    pub(super) measurements: usize,
    pub(super) links: usize,
    pub(super) flags: usize,
    pub(super) spans: usize,
    /// Bytes of all spans.
    pub(super) spans_bytes: usize,
    /// Bytes of one attachment.
    pub(super) attachment: usize,
}

impl Caps {
    pub(super) fn new(options: &ClientOptions) -> Self {
        let mut caps = Self {
            breadcrumbs: options.max_breadcrumbs.max(100),
            attachment: options.max_attachment_size,
            ..Self::DEFAULT
        };
        if let Some(value) = options.max_value_length {
            caps.value = caps.value.min(value);
            caps.message = caps.message.or(value);
            caps.feedback = caps.feedback.or(value);
            caps.description = caps.description.or(value);
        }
        caps
    }

    const DEFAULT: Self = Self {
        message: Most { chars: 8_192, allowance: 200 },
        value: usize::MAX,
        culprit: most(200),
        transaction: most(200),
        logger: most(64),
        ty: Most { chars: 256, allowance: 20 },
        module: Most { chars: 256, allowance: 20 },
        mechanism: most(128),
        function: Most { chars: 512, allowance: 20 },
        path: most(2_048),
        line: most(1_024),
        lines: 20,
        thread: most(1_024),
        label: most(128),
        email: most(75),
        flag: most(200),
        url: Most { chars: 2_048, allowance: 0 },
        tag: most(200),
        feedback: most(4_096),
        description: Most { chars: 8_192, allowance: 200 },
        part: most(1_024),
        parts: 32,
        tags: 100 * 1024,
        extra: Bag { bytes: 256 * 1024, depth: 5 },
        extra_item: 16 * 1024,
        context: Bag { bytes: 8 * 1024, depth: 5 },
        contexts: 256 * 1024,
        data: Bag { bytes: 2 * 1024, depth: 3 },
        span: Bag { bytes: 16 * 1024, depth: 5 },
        user: Bag { bytes: 2 * 1024, depth: 5 },
        modules: 8 * 1024,
        request: 8 * 1024,
        query: 1024,
        breadcrumbs: 100,
        exceptions: 50,
        frames: 250,
        detailed: 50,
        threads: 1_000,
        registers: 256,
        measurements: 100,
        links: 100,
        flags: 100,
        spans: 1_000,
        spans_bytes: 800 * 1024,
        attachment: ATTACHMENT,
    };

    /// What always fits, however strange what is in it: the last resort.
    pub(super) fn tight(&self) -> Self {
        const FEW: Most = most(100);
        Self {
            message: most(1_000),
            value: 100,
            culprit: FEW,
            transaction: FEW,
            ty: FEW,
            module: FEW,
            mechanism: FEW,
            function: FEW,
            path: FEW,
            line: FEW,
            lines: 0,
            thread: FEW,
            url: most(200),
            description: FEW,
            feedback: most(1_000),
            part: FEW,
            parts: 8,
            tags: 8 * 1024,
            extra: Bag { bytes: 2 * 1024, depth: 2 },
            extra_item: 256,
            context: Bag { bytes: 512, depth: 2 },
            contexts: 8 * 1024,
            data: Bag { bytes: 64, depth: 1 },
            span: Bag { bytes: 64, depth: 1 },
            user: Bag { bytes: 256, depth: 1 },
            modules: 1024,
            request: 512,
            query: 256,
            breadcrumbs: 5,
            exceptions: 4,
            frames: 10,
            detailed: 10,
            threads: 2,
            registers: 0,
            measurements: 10,
            links: 0,
            flags: 10,
            spans: 50,
            spans_bytes: 64 * 1024,
            ..self.clone()
        }
    }
}
