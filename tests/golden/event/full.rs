//! An event with every field set.

use std::net::{IpAddr, Ipv4Addr};

use sentry::protocol::{
    Addr, AppContext, BrowserContext, CError, ClientSdkInfo, ClientSdkPackage, Context, CultureContext,
    DebugImage, DebugMeta, DeviceContext, Event, Exception, FeatureFlag, FlagsContext, Frame, GpuContext,
    IpAddress, LogEntry, MachException, Map, Mechanism, MechanismMeta, Orientation, OsContext, OtelContext,
    PosixSignal, ProfileContext, RegVal, Request, ResponseContext, RuntimeContext, SpanStatus, Stacktrace,
    SymbolicDebugImage, SystemSdkInfo, TemplateInfo, Thread, TraceContext, Value,
};
use sentry::types::Uuid;
use sentry::{Breadcrumb, Level, User};

use crate::moment;
use crate::trace::{link, span_id, trace_id};

pub(super) fn event() -> Event<'static> {
    Event {
        event_id: Uuid::from_bytes([0x11; 16]),
        level: Level::Warning,
        fingerprint: vec!["{{ default }}".into(), "mine".into()].into(),
        culprit: Some("shop::checkout".into()),
        transaction: Some("checkout".into()),
        message: None,
        logentry: Some(LogEntry {
            message: "hello %s".into(),
            params: vec!["ada".into()],
            formatted: Some("hello ada".into()),
        }),
        logger: Some("shop".into()),
        modules: map([("serde", "1.0.0")]),
        platform: "native".into(),
        timestamp: moment(),
        server_name: Some("web-2".into()),
        release: Some("golden@2.0.0".into()),
        dist: Some("8".into()),
        environment: Some("staging".into()),
        user: Some(user()),
        request: Some(request()),
        contexts: contexts(),
        breadcrumbs: vec![breadcrumb()].into(),
        exception: vec![cause(), exception()].into(),
        stacktrace: None,
        template: Some(template()),
        threads: vec![thread()].into(),
        tags: map([("region", "eu")]),
        extra: values([("cart", vec![1, 2, 3].into())]),
        debug_meta: std::borrow::Cow::Owned(debug_meta()),
        sdk: Some(std::borrow::Cow::Owned(sdk())),
        ..Default::default()
    }
}

fn map<const N: usize>(entries: [(&str, &str); N]) -> Map<String, String> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn values<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn user() -> User {
    User {
        id: text("4711"),
        email: text("ada@example.com"),
        ip_address: Some(IpAddress::Exact(IpAddr::V4(Ipv4Addr::LOCALHOST))),
        username: text("ada"),
        other: values([
            ("name", "Ada".into()),
            ("plan", "free".into()),
            ("geo", serde_json::json!({"city": "Oslo", "country_code": "NO", "region": "Norway"})),
        ]),
    }
}

fn request() -> Request {
    Request {
        url: "http://localhost/orders".parse().ok(),
        method: text("POST"),
        data: text("{\"id\":7}"),
        query_string: text("a=b"),
        cookies: text("theme=dark"),
        headers: map([("Accept", "text/html")]),
        env: map([("REMOTE_ADDR", "127.0.0.1")]),
    }
}

fn breadcrumb() -> Breadcrumb {
    Breadcrumb {
        timestamp: moment(),
        ty: "http".into(),
        category: text("request"),
        level: Level::Warning,
        message: text("asked"),
        data: values([
            ("method", "GET".into()),
            ("url", "http://localhost/".into()),
            ("status_code", 200.into()),
            ("reason", "OK".into()),
        ]),
    }
}

fn sdk() -> ClientSdkInfo {
    ClientSdkInfo {
        name: "shop.rust".into(),
        version: "2.0.0".into(),
        integrations: vec!["panic".into()],
        packages: vec![ClientSdkPackage { name: "cargo:shop".into(), version: "2.0.0".into() }],
    }
}

fn template() -> TemplateInfo {
    TemplateInfo {
        filename: text("cart.html"),
        abs_path: text("/shop/cart.html"),
        lineno: Some(3),
        colno: Some(4),
        pre_context: vec!["<ul>".into()],
        context_line: text("{{ item }}"),
        post_context: vec!["</ul>".into()],
    }
}

fn cause() -> Exception {
    Exception {
        ty: "Timeout".into(),
        value: text("no answer"),
        mechanism: Some(Mechanism {
            ty: "chained".into(),
            exception_id: Some(1),
            parent_id: Some(0),
            source: text("errors[0]"),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn exception() -> Exception {
    Exception {
        ty: "PaymentError".into(),
        value: text("cannot pay"),
        module: text("shop::payment"),
        stacktrace: Some(stacktrace()),
        raw_stacktrace: Some(stacktrace()),
        thread_id: Some(7.into()),
        mechanism: Some(Mechanism {
            ty: "signalhandler".into(),
            description: text("how it came"),
            help_link: "https://example.com/help".parse().ok(),
            handled: Some(false),
            synthetic: Some(true),
            exception_id: Some(0),
            parent_id: None,
            is_exception_group: Some(true),
            source: None,
            data: values([("relevant_address", "0x1".into())]),
            meta: MechanismMeta {
                errno: Some(CError { number: 2, name: text("ENOENT") }),
                signal: Some(PosixSignal {
                    number: 11,
                    code: Some(1),
                    name: text("SIGSEGV"),
                    code_name: text("SEGV_MAPERR"),
                }),
                mach_exception: Some(MachException {
                    exception: 1,
                    code: 2,
                    subcode: 8,
                    name: text("EXC_BAD_ACCESS"),
                }),
            },
        }),
    }
}

fn stacktrace() -> Stacktrace {
    Stacktrace {
        frames: vec![Frame {
            function: text("pay"),
            raw_function: text("_ZN4shop3payE"),
            symbol: text("_ZN4shop3payE"),
            module: text("shop"),
            package: text("/usr/bin/shop"),
            filename: text("src/pay.rs"),
            abs_path: text("/work/src/pay.rs"),
            lineno: Some(2),
            colno: Some(5),
            pre_context: vec!["fn pay() {".into()],
            context_line: text("    fail()"),
            post_context: vec!["}".into()],
            in_app: Some(true),
            vars: values([("amount", 7.into())]),
            platform: text("native"),
            image_addr: Some(Addr(0x1000)),
            instruction_addr: Some(Addr(0x1010)),
            symbol_addr: Some(Addr(0x1008)),
            addr_mode: text("abs"),
        }],
        frames_omitted: Some((1, 2)),
        registers: Map::from([("rip".to_owned(), RegVal(0x1010))]),
    }
}

fn thread() -> Thread {
    Thread {
        id: Some(7.into()),
        name: text("main"),
        stacktrace: Some(stacktrace()),
        raw_stacktrace: Some(stacktrace()),
        crashed: true,
        current: true,
        main: Some(true),
        state: text("RUNNABLE"),
        held_locks: values([(
            "0x2000",
            serde_json::json!({"type": 8, "address": "0x2000", "package_name": "shop", "class_name": "Cart", "thread_id": 9}),
        )]),
    }
}

fn debug_meta() -> DebugMeta {
    DebugMeta {
        sdk_info: Some(SystemSdkInfo {
            sdk_name: "iOS".into(),
            version_major: 10,
            version_minor: 3,
            version_patchlevel: 1,
        }),
        images: vec![DebugImage::Symbolic(SymbolicDebugImage {
            name: "/usr/bin/shop".into(),
            arch: text("x86_64"),
            image_addr: Addr(0x1000),
            image_size: 4096,
            image_vmaddr: Addr(0x10),
            id: "c0bcc3f1-9827-fe65-3058-404b2831d9e6".parse().expect("an id"),
            code_id: "f1c3bcc0279865fe3058404b2831d9e64135386c".parse().ok(),
            debug_file: text("/usr/lib/debug/shop.debug"),
        })],
    }
}

fn contexts() -> Map<String, Context> {
    let contexts: [(&str, Context); 14] = [
        ("app", app().into()),
        (
            "browser",
            BrowserContext { name: text("Firefox"), version: text("120"), ..Default::default() }.into(),
        ),
        (
            "cloud_resource",
            Context::Other(values([("cloud.provider", "aws".into()), ("cloud.region", "eu-north-1".into())])),
        ),
        (
            "culture",
            CultureContext { locale: text("nb-NO"), timezone: text("Europe/Oslo"), ..Default::default() }
                .into(),
        ),
        ("device", device().into()),
        ("flags", FlagsContext { values: vec![FeatureFlag { flag: "new".into(), result: true }] }.into()),
        ("gpu", gpu().into()),
        ("os", os().into()),
        (
            "otel",
            OtelContext {
                attributes: values([("a", 1.into())]),
                resource: values([("b", 2.into())]),
                ..Default::default()
            }
            .into(),
        ),
        (
            "profile",
            ProfileContext {
                profile_id: Some(Uuid::from_bytes([0x66; 16])),
                profiler_id: Some(Uuid::from_bytes([0x77; 16])),
                ..Default::default()
            }
            .into(),
        ),
        (
            "response",
            ResponseContext {
                cookies: text("theme=dark"),
                headers: map([("Content-Type", "text/html")]),
                status_code: Some(500),
                body_size: Some(12),
                data: Some("oh".into()),
            }
            .into(),
        ),
        (
            "runtime",
            RuntimeContext {
                name: text("rustc"),
                version: text("1.89.0"),
                other: values([("raw_description", "rustc 1.89.0 (stable)".into())]),
            }
            .into(),
        ),
        (
            "state",
            Context::Other(values([("state", serde_json::json!({"type": "redux", "value": {"a": 1}}))])),
        ),
        ("trace", trace().into()),
    ];
    contexts.into_iter().map(|(name, context)| (name.to_owned(), context)).collect()
}

fn app() -> AppContext {
    AppContext {
        app_start_time: Some(moment()),
        device_app_hash: text("abc"),
        build_type: text("testflight"),
        app_identifier: text("com.example.shop"),
        app_name: text("shop"),
        app_version: text("2.0"),
        app_build: text("200"),
        other: values([("app_memory", 1024.into())]),
    }
}

fn device() -> DeviceContext {
    DeviceContext {
        name: text("web-1"),
        family: text("server"),
        model: text("R740"),
        model_id: text("R740-1"),
        arch: text("x86_64"),
        battery_level: Some(50.0),
        orientation: Some(Orientation::Portrait),
        simulator: Some(false),
        memory_size: Some(4096),
        free_memory: Some(1024),
        usable_memory: Some(2048),
        storage_size: Some(8192),
        free_storage: Some(4096),
        external_storage_size: Some(16384),
        external_free_storage: Some(8192),
        boot_time: Some(moment()),
        timezone: text("Europe/Oslo"),
        other: values([("processor_count", 8.into())]),
    }
}

fn gpu() -> GpuContext {
    GpuContext {
        name: "Arc".into(),
        version: text("1.0"),
        driver_version: text("2.0"),
        id: text("7"),
        vendor_id: text("8086"),
        vendor_name: text("Intel"),
        memory_size: Some(1024),
        multi_threaded_rendering: Some(true),
        api_type: text("Vulkan"),
        npot_support: Some(true),
        max_texture_size: Some(4096),
        graphics_shader_level: text("5"),
        supports_draw_call_instancing: Some(true),
        supports_ray_tracing: Some(false),
        supports_compute_shaders: Some(true),
        supports_geometry_shaders: Some(true),
        ..Default::default()
    }
}

fn os() -> OsContext {
    OsContext {
        name: text("Linux"),
        version: text("6.1"),
        build: text("20230101"),
        kernel_version: text("6.1.0"),
        rooted: Some(false),
        other: values([
            ("distribution_name", "debian".into()),
            ("distribution_version", "12".into()),
            ("distribution_pretty_name", "Debian GNU/Linux 12".into()),
            ("raw_description", "Linux web-1 6.1.0".into()),
        ]),
    }
}

fn trace() -> TraceContext {
    TraceContext {
        span_id: span_id(0x22),
        trace_id: trace_id(),
        parent_span_id: Some(span_id(0x33)),
        op: text("http.server"),
        description: text("GET /orders"),
        status: Some(SpanStatus::InternalError),
        origin: text("manual"),
        data: values([("thread.id", "7".into()), ("thread.name", "main".into())]),
        sampled: Some(true),
        client_sample_rate: Some(0.5),
        links: vec![link()],
    }
}
