//! Whose crate it is, by its name: for binaries without line tables.
//!
//! Only crates are listed that run code between the frames of an application or below them, and no name that an application may
//! well give to a crate of its own: what is taken for the application's by mistake is seen, the other way round it is hidden.

use std::collections::HashSet;
use std::sync::LazyLock;

pub(super) fn is_std(crate_name: &str) -> bool {
    STD.binary_search(&crate_name).is_ok()
}

pub(super) fn is_well_known(crate_name: &str) -> bool {
    static ALL: LazyLock<HashSet<&str>> = LazyLock::new(|| WELL_KNOWN.split_whitespace().collect());
    is_std(crate_name)
        || ALL.contains(crate_name)
        || FAMILIES.iter().any(|family| crate_name.starts_with(family))
}

/// What comes with the toolchain, sorted.
const STD: [&str; 17] = [
    "__rustc",
    "addr2line",
    "alloc",
    "backtrace",
    "compiler_builtins",
    "core",
    "gimli",
    "hashbrown",
    "miniz_oxide",
    "object",
    "panic_abort",
    "panic_unwind",
    "proc_macro",
    "rustc_demangle",
    "std",
    "std_detect",
    "test",
];

/// Prefixes of crates that come in large families.
const FAMILIES: [&str; 8] =
    ["aws_sdk_", "aws_smithy_", "cranelift_", "icu_", "opentelemetry_", "rustls_", "sqlx_", "wasmtime_"];

/// Runtimes, frameworks and what they are made of.
const WELL_KNOWN: &str = "
    actix actix_codec actix_cors actix_files actix_http actix_identity actix_macros actix_multipart
    actix_router actix_rt actix_server actix_service actix_session actix_tls actix_utils actix_web
    actix_web_actors actix_ws adler adler2 aead aes aes_gcm ahash aho_corasick allocator_api2 android_activity
    anstream anstyle anyhow apalis apalis_core apalis_redis apalis_sql arboard arc_swap argon2 arrayvec arrow
    arrow_array arrow_buffer arrow_cast arrow_data arrow_flight arrow_ipc arrow_schema arrow_select ash askama
    askama_escape assert_cmd async_broadcast async_channel async_compat async_compression async_executor
    async_fs async_global_executor async_graphql async_graphql_axum async_graphql_value async_h1 async_io
    async_lock async_nats async_net async_once_cell async_process async_recursion async_signal async_std
    async_stream async_stripe async_task async_tls async_trait async_tungstenite asynchronous_codec
    atomic_waker aws_config aws_credential_types aws_lambda_events aws_lc_rs aws_runtime aws_sigv4 aws_types
    axum axum_core axum_extra axum_login axum_macros axum_prometheus axum_server axum_test
    backoff backon base64 bb8 bb8_postgres bb8_redis bcrypt bevy bevy_app bevy_asset bevy_audio bevy_core
    bevy_core_pipeline bevy_derive bevy_diagnostic bevy_ecs bevy_gizmos bevy_gltf bevy_hierarchy bevy_image
    bevy_input bevy_internal bevy_log bevy_math bevy_mesh bevy_pbr bevy_ptr bevy_reflect bevy_render
    bevy_scene bevy_sprite bevy_state bevy_tasks bevy_text bevy_time bevy_transform bevy_ui bevy_utils
    bevy_window bevy_winit bincode bindgen bit_set bit_vec bitcoin bitflags bitvec blake2 blake3 blocking
    brotli brotli_decompressor bson bstr bumpalo bytemuck byteorder bytes bytestring bzip2 bzip2_rs
    cached calamine candle_core candle_nn cap_std capnp cc chacha20 chacha20poly1305 chrono chrono_tz ciborium
    cipher clap clap_builder clap_complete clap_derive clap_lex color_eyre compression_codecs compression_core
    comrak concurrent_queue console console_subscriber const_oid cookie cookie_store cosmic_text cpal
    crc32fast criterion criterion_plot crossbeam crossbeam_channel crossbeam_deque crossbeam_epoch
    crossbeam_queue crossbeam_skiplist crossbeam_utils crossfire crossterm crypto_bigint crypto_common csv
    csv_core ctor ctrlc curl curl_sys curve25519_dalek cxx
    darling darling_core dashmap datafusion datafusion_common datafusion_execution datafusion_expr
    datafusion_physical_expr datafusion_physical_plan deadpool deadpool_postgres deadpool_redis
    deadpool_runtime debugid deflate der derive_more dialoguer diesel diesel_async diesel_migrations digest
    dioxus dioxus_core dotenv dotenvy
    ecdsa ed25519_dalek effective_limits eframe egui egui_wgpu egui_winit either elasticsearch elliptic_curve
    embassy_executor embassy_time embedded_hal encoding_rs env_filter env_logger envy epaint equivalent
    erased_serde ethers event_listener eyre
    failure fancy_regex fastrand fern ffmpeg_next figment filetime fixedbitset flatbuffers flate2 flexi_logger
    flume fnv foldhash fontdb foreign_types form_urlencoded fred fs4 fs_at futures futures_bounded
    futures_buffered futures_channel futures_concurrency futures_core futures_executor futures_intrusive
    futures_io futures_lite futures_sink futures_task futures_timer futures_util
    gdk gdk4 generator generic_array getrandom ghash gio git_testament gix glam glib glium globset gloo_timers
    glow glutin goblin google_cloud_pubsub governor graphql_client gtk gtk4
    h2 h3 h3_quinn half handlebars hashlink headers headers_core heapless heck hex hickory_client
    hickory_proto hickory_resolver hkdf hmac http http_body http_body_util http_types httparse httpdate
    humantime hyper hyper_rustls hyper_timeout hyper_tls hyper_tungstenite hyper_util hyperlocal
    iana_time_zone iced iced_core iced_futures iced_runtime iced_wgpu iced_winit idna idna_adapter if_addrs
    ignore image imageproc indexmap indicatif inotify inquire insta instant inventory io_lifetimes ipnet
    iri_string iroh isahc itertools itoa
    jemallocator jiff jni jpeg_decoder jsonrpsee jsonrpsee_core jsonrpsee_server jsonschema jsonwebtoken
    juniper juniper_axum
    k8s_openapi kanal keyring kube kube_client kube_core kube_runtime
    lambda_extension lambda_http lambda_runtime lapin lazy_static leptos leptos_axum lettre lexical_core libc
    libloading liblzma libp2p libp2p_core libp2p_swarm libsqlite3_sys linux_raw_sys litemap lock_api log
    log4rs logos loom lopdf lru lru_slab lz4 lz4_flex lzma_rs
    mach2 maplit markdown matchers matchit maud memchr memmap2 memoffset metrics metrics_exporter_prometheus
    metrics_util miette mimalloc mime mime_guess minijinja mio mlua mockall mockito moka mongodb
    mongodb_internal multer multimap multipart mysql mysql_async mysql_common
    nalgebra napi napi_derive native_dialog native_tls ndarray neon nix nom notify ntapi nu_ansi_term
    num_bigint num_complex num_cpus num_integer num_rational num_traits
    oauth1_request oauth2 objc objc2 object_store octocrab once_cell onig opendal opener openidconnect
    openraft openssl openssl_probe openssl_sys opentelemetry ort ouroboros owo_colors
    papaya parity_scale_codec parking parking_lot parking_lot_core parquet pathfinder_geometry pbkdf2 pem
    percent_encoding pest petgraph pgp phf phf_shared pin_project pin_project_lite pingora pingora_core
    pingora_proxy piper pkcs1 pkcs8 plotters png poem poem_openapi polars polars_arrow polars_core polars_expr
    polars_io polars_lazy polars_ops polars_parquet polars_plan polars_sql polars_time polars_utils polling
    polyval postgres postgres_protocol postgres_types pprof predicates pretty_assertions proc_macro2
    prometheus proptest prost prost_types protobuf publicsuffix pulldown_cmark pulsar pyo3 pyo3_async_runtimes
    pyo3_asyncio
    quick_error quick_xml quickcheck quinn quinn_proto quinn_udp quote
    r2d2 r2d2_sqlite rand rand_chacha rand_core rand_distr ratatui rayon rayon_cond rayon_core rdkafka
    rdkafka_sys redb redis redox_syscall refinery refinery_core regex regex_automata regex_lite regex_syntax
    relm4 remove_dir_all reqwest reqwest_eventsource reqwest_middleware reqwest_retry resvg rhai rig_core ring
    rkyv rmcp rmp rmp_serde rocket rocket_codegen rocket_db_pools rocket_dyn_templates rocket_http rocksdb
    rodio ron ropey rs_tracing rsa rstest rumqttc rusb rusoto_core rusqlite russh rust_decimal rust_embed
    rustc_hash rustix rustls rusty_v8 rustybuzz rustyline ruzstd ryu
    salsa salvo salvo_core scc schannel schemars scoped_threadpool scopeguard scraper sdd sea_orm
    sea_orm_migration sea_query sea_query_binder sea_schema security_framework selectors self_cell semver
    sentry_actix sentry_anyhow sentry_backtrace sentry_contexts sentry_debug_images sentry_eyre sentry_log
    sentry_opentelemetry sentry_rocket sentry_slog sentry_tower sentry_tracing sentry_types serde serde_bytes
    serde_cbor serde_core serde_json serde_path_to_error serde_qs serde_repr serde_spanned serde_urlencoded
    serde_value serde_with serde_xml_rs serde_yaml serenity sha1 sha2 sharded_slab signal_hook
    signal_hook_registry simd_adler32 simd_json simdutf8 simple_logger siphasher slab sled slint slog
    slog_async slog_scope slog_stdlog slog_term smallvec smartstring smol smol_str snafu snap snappy snow
    socket2 songbird spin spki sqlformat sqlite sqlparser sqlx stable_deref_trait stacker static_assertions
    stretch string_cache strsim structopt strum subtle surf swc_common swc_ecma_parser symphonia syn
    sync_wrapper syntect sysinfo
    tantivy tao tar tarpc tauri tauri_runtime tauri_runtime_wry tauri_utils tch teloxide tempfile tera
    termcolor testcontainers text_size textwrap thingbuf thirtyfour thiserror thread_local threadpool tide
    tiff tiktoken_rs tikv_client tikv_jemallocator time time_core tiny_http tiny_skia tinystr tinyvec
    tokenizers tokio tokio_cron_scheduler tokio_graceful_shutdown tokio_io_timeout tokio_macros tokio_metrics
    tokio_modbus tokio_native_tls tokio_openssl tokio_pg_mapper tokio_postgres tokio_postgres_rustls
    tokio_retry tokio_rustls tokio_serial tokio_stream tokio_test tokio_tungstenite tokio_uring tokio_util
    tokio_vsock tokio_websockets toml toml_datetime toml_edit toml_parser toml_writer tonic tonic_health
    tonic_reflection tonic_web totp_rs tower tower_cookies tower_governor tower_http tower_layer tower_lsp
    tower_otel tower_service tower_sessions tracing tracing_actix_web tracing_appender tracing_attributes
    tracing_bunyan_formatter tracing_core tracing_error tracing_futures tracing_log tracing_opentelemetry
    tracing_serde tracing_subscriber tracing_tree triomphe trust_dns_proto trust_dns_resolver try_lock
    ttf_parser tungstenite twilight_gateway twilight_http twilight_model twox_hash typed_arena typenum
    ulid unicase unicode_bidi unicode_normalization unicode_segmentation unicode_width unit_prefix
    universal_hash untrusted ureq ureq_proto url urlencoding usvg utf8_iter utf8_ranges utf8parse utoipa
    utoipa_swagger_ui uuid
    v8 vte vulkano
    wait_timeout walkdir want warp wasi_common wasm_bindgen wasm_bindgen_futures wasmer wasmer_vm wasmparser
    wasmtime web_sys web_view webbrowser webkit2gtk webpki webpki_roots wgpu wgpu_core wgpu_hal wgpu_types
    wide winapi windows windows_core windows_result windows_service windows_sys windows_targets winit winnow
    winreg wiremock writeable wry
    x11rb x25519_dalek x509_parser xml xxhash_rust xz2
    yaml_rust yew yew_router yoke
    zbus zerocopy zeroize zeromq zerovec zip zlib_rs zmij zstd zstd_safe zune_jpeg zvariant
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_whole_or_of_a_family() {
        for name in ["tokio", "tokio_util", "serde_json", "aws_sdk_s3", "core", "hashbrown"] {
            assert!(is_well_known(name), "{name}");
        }
        for name in ["", "tok", "tokio_", "tokio_shop", "shop", "tower_defense", "cor"] {
            assert!(!is_well_known(name), "{name}");
        }
    }

    #[test]
    fn the_list_of_std_is_sorted() {
        assert!(STD.is_sorted());
    }
}
