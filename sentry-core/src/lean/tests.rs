//! Events come back as they were, whatever is in them, and take the room they are charged for.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::protocol::{
    Addr, AppContext, Breadcrumb, ClientSdkInfo, ClientSdkPackage, Context, DebugImage, DebugMeta,
    DeviceContext, Exception, Frame, LogEntry, Map, Mechanism, OsContext, ProguardDebugImage, Request,
    ResponseContext, SpanStatus, Stacktrace, TemplateInfo, Thread, TraceContext, User, Value, Values,
};

/// A small generator of arbitrary events: the same seed makes the same event.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.roll(2) == 0).then(|| make(self))
    }

    fn list<T>(&mut self, make: impl Fn(&mut Self) -> T) -> Vec<T> {
        // Mostly short, with room to spare.
        let len = [0, 0, 1, 2, 3, 14][self.roll(6) as usize];
        let mut list = Vec::with_capacity(len + 3);
        list.extend((0..len).map(|_| make(self)));
        list
    }

    fn text(&mut self) -> String {
        let texts = ["", "a", "näme", "/srv/app", "🦀🦀", "a much longer text that says more", "\0\n\""];
        format!("{}{}", texts[self.roll(7) as usize], self.roll(4))
    }

    fn cow(&mut self) -> Cow<'static, str> {
        if self.roll(2) == 0 { Cow::Borrowed("constant") } else { Cow::Owned(self.text()) }
    }

    fn map<T>(&mut self, make: impl Fn(&mut Self) -> T) -> Map<String, T> {
        self.list(|dice| (dice.text(), make(dice))).into_iter().collect()
    }

    fn value(&mut self) -> Value {
        match self.roll(6) {
            0 => Value::Null,
            1 => Value::from(self.roll(1_000)),
            2 => Value::Array(self.list(Self::value_of_text)),
            3 => Value::Object(self.list(|dice| (dice.text(), dice.value_of_text())).into_iter().collect()),
            _ => self.value_of_text(),
        }
    }

    fn value_of_text(&mut self) -> Value {
        self.text().into()
    }

    fn trace(&mut self) -> TraceContext {
        let parent_span_id = self.maybe(|_| TraceContext::default().span_id);
        let mut trace = TraceContext { parent_span_id, ..TraceContext::default() };
        match self.roll(10) {
            0 => trace.op = Some(self.text()),
            1 => trace.status = Some(SpanStatus::Ok),
            2 => trace.origin = Some(self.text()),
            3 => trace.data = self.map(Self::value),
            4 => trace.sampled = Some(true),
            5 => trace.client_sample_rate = Some(0.5),
            6 => trace.description = Some(self.text()),
            _ => {}
        }
        trace
    }

    fn context(&mut self) -> Context {
        match self.roll(6) {
            0 => self.trace().into(),
            1 => Context::Other(self.map(Self::value)),
            2 => AppContext { app_name: self.maybe(Self::text), ..AppContext::default() }.into(),
            3 => OsContext {
                name: self.maybe(Self::text),
                other: self.map(Self::value),
                ..OsContext::default()
            }
            .into(),
            4 => DeviceContext { arch: self.maybe(Self::text), ..DeviceContext::default() }.into(),
            _ => ResponseContext { data: self.maybe(Self::value), ..ResponseContext::default() }.into(),
        }
    }

    fn contexts(&mut self) -> Map<String, Context> {
        let mut contexts = self.map(Self::context);
        contexts.extend(self.maybe(|dice| ("trace".to_owned(), dice.trace().into())));
        contexts.extend(self.maybe(|dice| ("os".to_owned(), dice.context())));
        contexts
    }

    fn stacktrace(&mut self) -> Stacktrace {
        let frame = |dice: &mut Self| Frame {
            function: dice.maybe(Self::text),
            instruction_addr: dice.maybe(|dice| Addr(dice.roll(9))),
            ..Frame::default()
        };
        Stacktrace { frames: self.list(frame), ..Stacktrace::default() }
    }

    fn mechanism(&mut self) -> Mechanism {
        Mechanism {
            ty: self.text(),
            description: (self.roll(5) == 0).then(|| self.text()),
            handled: self.maybe(|dice| dice.roll(2) == 0),
            synthetic: self.maybe(|dice| dice.roll(2) == 0),
            exception_id: self.maybe(|dice| dice.roll(9)),
            parent_id: self.maybe(|dice| dice.roll(9)),
            is_exception_group: self.maybe(|dice| dice.roll(2) == 0),
            source: self.maybe(Self::text),
            data: if self.roll(5) == 0 { self.map(Self::value) } else { Map::new() },
            ..Mechanism::default()
        }
    }

    fn exception(&mut self) -> Exception {
        Exception {
            ty: self.text(),
            value: self.maybe(Self::text),
            module: self.maybe(Self::text),
            stacktrace: self.maybe(Self::stacktrace),
            raw_stacktrace: self.maybe(Self::stacktrace),
            thread_id: self.maybe(|dice| dice.roll(99).into()),
            mechanism: self.maybe(Self::mechanism),
        }
    }

    fn thread(&mut self) -> Thread {
        Thread { name: self.maybe(Self::text), stacktrace: self.maybe(Self::stacktrace), ..Thread::default() }
    }

    fn crumb(&mut self) -> Breadcrumb {
        Breadcrumb { message: self.maybe(Self::text), data: self.map(Self::value), ..Breadcrumb::default() }
    }

    fn debug_meta(&mut self) -> Cow<'static, DebugMeta> {
        static OF_PROGRAM: DebugMeta = DebugMeta { sdk_info: None, images: Vec::new() };
        match self.roll(4) {
            0 => Cow::Borrowed(&OF_PROGRAM),
            1 => {
                let image =
                    DebugImage::Proguard(ProguardDebugImage { uuid: Uuid::from_u128(self.roll(3).into()) });
                Cow::Owned(DebugMeta { images: vec![image], ..DebugMeta::default() })
            }
            _ => Cow::default(),
        }
    }

    fn sdk(&mut self) -> Cow<'static, ClientSdkInfo> {
        let package = |dice: &mut Self| ClientSdkPackage { name: dice.text(), version: dice.text() };
        Cow::Owned(ClientSdkInfo {
            name: self.text(),
            version: self.text(),
            integrations: self.list(Self::text),
            packages: self.list(package),
        })
    }

    fn event(&mut self) -> Event<'static> {
        let levels = [Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Fatal];
        Event {
            event_id: Uuid::from_u128(self.roll(1 << 30).into()),
            level: levels[self.roll(5) as usize],
            fingerprint: match self.roll(4) {
                0 => Cow::Owned(self.list(Self::cow)),
                1 => Cow::Borrowed(&[Cow::Borrowed("mine")]),
                _ => Cow::Borrowed(Event::DEFAULT_FINGERPRINT),
            },
            culprit: self.maybe(Self::text),
            transaction: self.maybe(Self::text),
            message: self.maybe(Self::text),
            logentry: self.maybe(|dice| LogEntry {
                message: dice.text(),
                params: dice.list(Self::value),
                formatted: dice.maybe(Self::text),
            }),
            logger: self.maybe(Self::text),
            modules: self.map(Self::text),
            platform: self.maybe(Self::cow).unwrap_or(Cow::Borrowed("other")),
            timestamp: UNIX_EPOCH + Duration::from_nanos(self.roll(1 << 30)),
            server_name: self.maybe(Self::cow),
            release: self.maybe(Self::cow),
            dist: self.maybe(Self::cow),
            environment: self.maybe(Self::cow),
            user: self.maybe(|dice| User {
                id: dice.maybe(Self::text),
                other: dice.map(Self::value),
                ..User::default()
            }),
            request: self.maybe(|dice| Request {
                data: dice.maybe(Self::text),
                headers: dice.map(Self::text),
                ..Request::default()
            }),
            contexts: self.contexts(),
            breadcrumbs: self.list(Self::crumb).into(),
            exception: self.list(Self::exception).into(),
            stacktrace: self.maybe(Self::stacktrace),
            template: self
                .maybe(|dice| TemplateInfo { filename: dice.maybe(Self::text), ..Default::default() }),
            threads: Values::from(self.list(Self::thread)),
            tags: self.map(Self::text),
            extra: self.map(Self::value),
            debug_meta: self.debug_meta(),
            sdk: self.maybe(Self::sdk),
            meta: self.maybe(|dice| Box::new(dice.map(Self::value))),
        }
    }
}

#[test]
fn any_event_comes_back_as_it_was() {
    let known = Known::default();
    for seed in 0..4_000 {
        let event = Dice(seed).event();
        let lean = LeanEvent::new(event.clone(), &known);
        assert_eq!(lean.gist(), Gist::from(&event), "seed {seed}");
        let copy = lean.clone();
        assert_eq!(lean.into_event(event.event_id), event, "seed {seed}");
        assert_eq!(copy.into_event(event.event_id), event, "seed {seed}: a copy");
    }
}

#[test]
fn an_empty_event_takes_little_room() {
    let lean = LeanEvent::new(Event::default(), &Known::default());
    assert!(lean.size() <= 192, "{}", lean.size());
}

#[test]
fn what_equals_the_last_events_is_there_once() {
    let known = Known::default();
    let event = || Event {
        release: Some("shop@1.4.0".into()),
        contexts: [
            ("os".to_owned(), OsContext { name: Some("Linux".into()), ..OsContext::default() }.into()),
            ("trace".to_owned(), TraceContext::default().into()),
        ]
        .into(),
        ..Event::default()
    };
    let sizes = [(); 3].map(|()| LeanEvent::new(event(), &known).size());
    assert!(sizes[0] > sizes[1] + 400, "the first one pays: {sizes:?}");
    assert_eq!(sizes[1], sizes[2]);

    // One that differs every time pays every time, and does not keep the others from sharing for long.
    for release in 0..20 {
        let event = Event { release: Some(release.to_string().into()), ..event() };
        assert!(LeanEvent::new(event, &known).size() > sizes[1] + 100);
    }
    let again = [(); 2].map(|()| LeanEvent::new(event(), &known).size());
    assert_eq!(again[1], sizes[1]);
}

#[test]
fn an_event_that_finds_the_shelves_taken_keeps_what_is_its_own() {
    let known = Known::default();
    let event = Dice(7).event();
    let meanwhile = known.sharing();
    let lean = LeanEvent::new(event.clone(), &known);
    drop(meanwhile);
    assert_eq!(lean.into_event(event.event_id), event);
}
