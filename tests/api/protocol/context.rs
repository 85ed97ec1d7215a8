//! Contexts.

use std::fmt::Debug;
use std::hash::Hash;
use std::time::SystemTime;

use sentry::protocol::{
    AppContext, BrowserContext, Context, DeviceContext, GpuContext, Map, Orientation, OsContext, OtelContext,
    ResponseContext, RuntimeContext, SpanId, SpanStatus, TraceContext, TraceId, Value,
};

const _: fn(Context) = |value| match value {
    Context::App(_)
    | Context::Browser(_)
    | Context::Device(_)
    | Context::Gpu(_)
    | Context::Os(_)
    | Context::Otel(_)
    | Context::Other(_)
    | Context::Response(_)
    | Context::Runtime(_)
    | Context::Trace(_) => {}
    _ => {}
};
const _: fn(Box<AppContext>) -> Context = Context::App;
const _: fn(Box<BrowserContext>) -> Context = Context::Browser;
const _: fn(Box<DeviceContext>) -> Context = Context::Device;
const _: fn(Box<GpuContext>) -> Context = Context::Gpu;
const _: fn(Box<OsContext>) -> Context = Context::Os;
const _: fn(Box<OtelContext>) -> Context = Context::Otel;
const _: fn(Map<String, Value>) -> Context = Context::Other;
const _: fn(Box<ResponseContext>) -> Context = Context::Response;
const _: fn(Box<RuntimeContext>) -> Context = Context::Runtime;
const _: fn(Box<TraceContext>) -> Context = Context::Trace;
const _: fn(&Context) -> &str = Context::type_name;
implements!(Context: Clone + Debug + From<AppContext> + From<BrowserContext> + From<DeviceContext> +
    From<GpuContext> + From<OsContext> + From<OtelContext> + From<ResponseContext> + From<RuntimeContext> +
    From<TraceContext> + PartialEq);
wire!(Context);

fields!(AppContext {
    app_build: Option<String>,
    app_identifier: Option<String>,
    app_name: Option<String>,
    app_start_time: Option<SystemTime>,
    app_version: Option<String>,
    build_type: Option<String>,
    device_app_hash: Option<String>,
    other: Map<String, Value>,
});
implements!(AppContext: Clone + Debug + Default + PartialEq);
wire!(AppContext);

fields!(BrowserContext {
    name: Option<String>,
    other: Map<String, Value>,
    version: Option<String>,
});
implements!(BrowserContext: Clone + Debug + Default + PartialEq);
wire!(BrowserContext);

fields!(DeviceContext {
    arch: Option<String>,
    battery_level: Option<f32>,
    boot_time: Option<SystemTime>,
    external_free_storage: Option<u64>,
    external_storage_size: Option<u64>,
    family: Option<String>,
    free_memory: Option<u64>,
    free_storage: Option<u64>,
    memory_size: Option<u64>,
    model: Option<String>,
    model_id: Option<String>,
    name: Option<String>,
    orientation: Option<Orientation>,
    other: Map<String, Value>,
    simulator: Option<bool>,
    storage_size: Option<u64>,
    timezone: Option<String>,
    usable_memory: Option<u64>,
});
implements!(DeviceContext: Clone + Debug + Default + PartialEq);
wire!(DeviceContext);

const _: fn(Orientation) = |value| match value {
    Orientation::Landscape | Orientation::Portrait => {}
};
implements!(Orientation: Clone + Debug + Eq + Hash);
wire!(Orientation);

fields!(GpuContext {
    api_type: Option<String>,
    driver_version: Option<String>,
    graphics_shader_level: Option<String>,
    id: Option<String>,
    max_texture_size: Option<u32>,
    memory_size: Option<u32>,
    multi_threaded_rendering: Option<bool>,
    name: String,
    npot_support: Option<bool>,
    other: Map<String, Value>,
    supports_compute_shaders: Option<bool>,
    supports_draw_call_instancing: Option<bool>,
    supports_geometry_shaders: Option<bool>,
    supports_ray_tracing: Option<bool>,
    vendor_id: Option<String>,
    vendor_name: Option<String>,
    version: Option<String>,
});
implements!(GpuContext: Clone + Debug + Default + PartialEq);
wire!(GpuContext);

fields!(OsContext {
    build: Option<String>,
    kernel_version: Option<String>,
    name: Option<String>,
    other: Map<String, Value>,
    rooted: Option<bool>,
    version: Option<String>,
});
implements!(OsContext: Clone + Debug + Default + PartialEq);
wire!(OsContext);

fields!(OtelContext {
    attributes: Map<String, Value>,
    other: Map<String, Value>,
    resource: Map<String, Value>,
});
implements!(OtelContext: Clone + Debug + Default + PartialEq);
wire!(OtelContext);

fields!(ResponseContext {
    body_size: Option<u64>,
    cookies: Option<String>,
    data: Option<Value>,
    headers: Map<String, String>,
    status_code: Option<u64>,
});
implements!(ResponseContext: Clone + Debug + Default + PartialEq);
wire!(ResponseContext);

fields!(RuntimeContext {
    name: Option<String>,
    other: Map<String, Value>,
    version: Option<String>,
});
implements!(RuntimeContext: Clone + Debug + Default + PartialEq);
wire!(RuntimeContext);

fields!(TraceContext {
    data: Map<String, Value>,
    description: Option<String>,
    op: Option<String>,
    origin: Option<String>,
    parent_span_id: Option<SpanId>,
    span_id: SpanId,
    status: Option<SpanStatus>,
    trace_id: TraceId,
});
implements!(TraceContext: Clone + Debug + Default + PartialEq);
wire!(TraceContext);
