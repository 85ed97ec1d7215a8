//! What a stripped program still says of itself: where its code lies and which build it is; and what the doctor says to it.
//!
//! A program of its own, that starts stripped copies of itself.
#![expect(clippy::disallowed_methods, reason = "a test reads its arguments")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ingest::Server;
use sentry::doctor::check;
use sentry::protocol::Value;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mark, dsn] = &arguments[..]
        && mark == "child"
    {
        return child(dsn);
    }
    if !cfg!(target_os = "linux") || !has("strip") || !has("objcopy") {
        return println!("skipped: needs ELF, strip and objcopy");
    }
    let folder = std::env::temp_dir().join(format!("sentry-images-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let whole = std::env::current_exe().expect("a path");
    let bare = folder.join("stripped");
    run(Command::new("strip").arg("--strip-all").arg("-o").args([&bare, &whole]));
    let nameless = folder.join("nameless");
    run(Command::new("objcopy").arg("--remove-section=.note.gnu.build-id").args([&bare, &nameless]));

    let (whole, bare, nameless) = (report(&whole), report(&bare), report(&nameless));
    assert_eq!(
        (whole.status.as_str(), bare.status.as_str(), nameless.status.as_str()),
        ("Ok", "Warn", "Warn")
    );
    assert!(whole.row.contains("files and lines"), "{}", whole.row);
    assert!(bare.row.contains("stripped") && bare.row.contains(&whole.code_id), "{}", bare.row);
    assert!(nameless.row.contains("neither line tables nor a build id"), "{}", nameless.row);

    assert!(whole.functions.iter().any(|name| name.ends_with("child")), "{:?}", whole.functions);
    assert_eq!((&bare.code_id, &bare.debug_id), (&whole.code_id, &whole.debug_id));
    // Without a build id the code itself is what tells builds apart.
    assert!(nameless.code_id.is_empty() && !nameless.debug_id.is_empty());
    for stripped in [&bare, &nameless] {
        assert!(stripped.functions.is_empty(), "{:?}", stripped.functions);
        assert!(stripped.addresses > 3, "addresses for the server to name");
    }
    std::fs::remove_dir_all(folder).expect("it is ours");
    println!("whole:    {}\nstripped: {}\nnameless: {}", whole.row, bare.row, nameless.row);
}

/// What a program says of itself.
struct Said {
    row: String,
    status: String,
    /// Of its image.
    code_id: String,
    debug_id: String,
    /// In its own code.
    functions: Vec<String>,
    addresses: usize,
}

fn child(dsn: &str) {
    let options = sentry::ClientOptions::new().dsn(dsn).attach_stacktrace(true);
    let _guard = sentry::init(options.clone());
    let report = check(options, Duration::from_secs(20));
    let row = report.row("symbols").expect("a row");
    sentry::configure_scope(|scope| scope.set_extra("status", format!("{:?}", row.status).into()));
    sentry::capture_message(&row.detail, sentry::Level::Info);
}

fn report(program: &Path) -> Said {
    let server = Server::start();
    run(Command::new(program).args(["child", &server.dsn()]));
    let events = server.wait_for_events(2, Duration::from_secs(60));
    let event = events.iter().find(|event| event["extra"]["status"].is_string()).expect("its own event");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| {
        value
            .as_str()
            .and_then(|hex| u64::from_str_radix(hex.trim_start_matches("0x"), 16).ok())
            .unwrap_or_default()
    };
    let images = event["debug_meta"]["images"].as_array().expect("images");
    let name = program.to_str().expect("a name");
    let image = images.iter().find(|image| image["code_file"] == name).expect("an image of the program");
    let start = number(&image["image_addr"]);
    let code = start..start + image["image_size"].as_u64().unwrap_or_default();
    let frames = frames(event);
    let own = frames.iter().filter(|frame| code.contains(&number(&frame["instruction_addr"])));
    Said {
        row: text(&event["message"]),
        status: text(&event["extra"]["status"]),
        code_id: text(&image["code_id"]),
        debug_id: text(&image["debug_id"]),
        functions: own
            .clone()
            .map(|frame| text(&frame["function"]))
            .filter(|name| !name.is_empty())
            .collect(),
        addresses: own.count(),
    }
}

fn frames(event: &Value) -> Vec<Value> {
    let of = |value: &Value| value["stacktrace"]["frames"].as_array().cloned();
    let all = ["exception", "threads"].iter().filter_map(|part| event[part]["values"].as_array());
    all.flatten().find_map(of).or_else(|| of(event)).expect("a stack trace")
}

fn has(tool: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder: PathBuf| folder.join(tool).is_file())
}

fn run(command: &mut Command) {
    let status = command.status();
    assert!(status.as_ref().is_ok_and(|status| status.success()), "{command:?}: {status:?}");
}
