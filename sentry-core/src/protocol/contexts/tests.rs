//! Round trips of all contexts.

use serde_json::json;

use super::*;
use crate::protocol::Event;

fn round_trip(json: &Value) -> (Context, Value) {
    let context: Context = serde_json::from_value(json.clone()).unwrap();
    let written = serde_json::to_value(&context).unwrap();
    (context, written)
}

#[test]
fn full_contexts_survive_the_round_trip() {
    for json in [
        json!({
            "type": "app", "app_start_time": "2018-02-08T22:21:57Z", "device_app_hash": "4c793e37", "build_type": "release",
            "app_identifier": "foo.bar", "app_name": "App", "app_version": "1.0", "app_build": "100", "app_memory": 7
        }),
        json!({"type": "browser", "name": "Firefox", "version": "100", "extra": true}),
        json!({"type": "culture", "locale": "en-US", "timezone": "Europe/Vienna", "is_24_hour_format": true}),
        json!({
            "type": "device", "name": "iphone", "family": "iPhone", "model": "iPhone 7", "model_id": "AH223",
            "arch": "arm64", "battery_level": 58.5, "orientation": "landscape", "simulator": true,
            "memory_size": 3_137_978_368_u64, "free_memory": 322_781_184, "usable_memory": 2_843_525_120_u64,
            "storage_size": 63_989_469_184_u64, "free_storage": 31_994_734_592_u64,
            "external_storage_size": 2_097_152, "external_free_storage": 1_048_576,
            "boot_time": "2018-02-08T12:52:12Z", "timezone": "Europe/Vienna", "processor_count": 8
        }),
        json!({
            "type": "feedback", "message": "it broke", "contact_email": "a@example.com", "name": "A",
            "url": "https://example.com", "associated_event_id": "83a7c03ed0a04e1b97e2e3b18d38f244", "replay_id": "1",
            "source": "widget"
        }),
        json!({"type": "flags", "values": [{"flag": "new", "result": true}]}),
        json!({
            "type": "gpu", "name": "GPU", "version": "Metal", "driver_version": "1", "id": "pci", "vendor_id": "v",
            "vendor_name": "Vendor", "memory_size": 4096, "multi_threaded_rendering": true, "api_type": "Vulkan",
            "npot_support": "true", "max_texture_size": 8192, "graphics_shader_level": "5",
            "supports_draw_call_instancing": true, "supports_ray_tracing": false, "supports_compute_shaders": true,
            "supports_geometry_shaders": true, "screens": 2
        }),
        json!({
            "type": "os", "name": "Linux", "version": "6", "build": "1", "kernel_version": "6.1", "rooted": false,
            "distribution_name": "debian"
        }),
        json!({"type": "otel", "attributes": {"a": 1}, "resource": {"service.name": "x"}, "b": 2}),
        json!({"type": "profile", "profile_id": "83a7c03ed0a04e1b97e2e3b18d38f244", "a": 1}),
        json!({
            "type": "response", "cookies": "a=b", "headers": {"content-type": "text/html"}, "status_code": 500,
            "body_size": 1000, "data": {"some": 1}
        }),
        json!({"type": "runtime", "name": "rustc", "version": "1.89", "channel": "stable"}),
        json!({
            "type": "trace", "trace_id": "5b8efff798038103d269b633813fc60c", "span_id": "b0e6f15b45c36b12",
            "parent_span_id": "fa90fdead5f74052", "op": "http.server", "description": "GET /", "status": "ok",
            "origin": "manual", "data": {"a": 1}, "sampled": true, "client_sample_rate": 0.5,
            "links": [{"trace_id": "5b8efff798038103d269b633813fc60d", "span_id": "b0e6f15b45c36b13"}]
        }),
    ] {
        let (context, written) = round_trip(&json);
        assert_eq!(written, json);
        assert_eq!(context.type_name(), json["type"]);
    }
}

#[test]
fn empty_contexts_write_only_their_type() {
    for context in [
        Context::from(AppContext::default()),
        BrowserContext::default().into(),
        CultureContext::default().into(),
        DeviceContext::default().into(),
        OsContext::default().into(),
        OtelContext::default().into(),
        ProfileContext::default().into(),
        ResponseContext::default().into(),
        RuntimeContext::default().into(),
    ] {
        assert_eq!(serde_json::to_value(&context).unwrap(), json!({"type": context.type_name()}));
    }
}

#[test]
fn custom_contexts_are_written_as_they_are() {
    for json in [json!({"a": 1}), json!({"type": "custom", "a": 1}), json!({"type": 1}), json!({})] {
        let (context, written) = round_trip(&json);
        assert_eq!(context.type_name(), "unknown");
        assert_eq!(written, json);
    }
}

#[test]
fn fields_that_do_not_fit_make_a_custom_context() {
    let json = json!({"type": "device", "memory_size": "a lot", "arch": "x86_64"});
    let (context, written) = round_trip(&json);
    assert_eq!(context.type_name(), "unknown");
    assert_eq!(written, json);
}

#[test]
fn the_name_of_a_context_is_its_type_unless_it_has_one() {
    let event: Event<'static> = serde_json::from_value(json!({"contexts": {
        "os": {"name": "Linux"}, "custom": {"a": 1}, "rust": {"type": "runtime", "name": "rustc"}, "gone": null, "odd": 1
    }}))
    .unwrap();
    let types: Vec<_> =
        event.contexts.iter().map(|(name, context)| (name.as_str(), context.type_name())).collect();
    assert_eq!(types, [("custom", "unknown"), ("os", "os"), ("rust", "runtime")]);
}

#[test]
fn a_battery_level_that_is_not_finite_is_left_out() {
    let context = Context::from(DeviceContext { battery_level: Some(f32::NAN), ..DeviceContext::default() });
    assert_eq!(serde_json::to_string(&context).unwrap(), r#"{"type":"device"}"#);
}
