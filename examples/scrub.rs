//! Shows what would leave the process: `cargo run --example scrub < event.json`, or without input for a sample.

use std::io::{IsTerminal, Read};

use sentry::options::ScrubOptions;

const SAMPLE: &str = r#"{
    "message": "login of jo failed: password=hunter2 (request 550e8400-e29b-41d4-a716-446655440000)",
    "tags": {"api_key": "a1b2c3", "author": "Ann", "session_count": "12"},
    "extra": {"badge": "B-77", "note": "card 4111 1111 1111 1111, order 1042"},
    "request": {
        "url": "https://shop.example/cart?token=abc&page=2",
        "headers": {"Authorization": "Bearer abc123def456", "Accept": "text/html"},
        "cookies": "session=abc; theme=dark"
    }
}"#;

fn main() -> std::io::Result<()> {
    let mut json = String::new();
    if !std::io::stdin().is_terminal() {
        std::io::stdin().read_to_string(&mut json)?;
    }
    let json = if json.trim().is_empty() { SAMPLE } else { &json };

    println!("With the default options:\n{}\n", sentry::scrub::preview(json));

    let options = sentry::ClientOptions::new().scrub(ScrubOptions::strict().deny(["badge"]));
    println!("Strict, and without badges:\n{}", sentry::scrub::Scrubber::new(&options).preview(json));
    Ok(())
}
