//! Labelled samples: what has to go, and what has to stay.

use sentry_core::ClientOptions;

use crate::scrub::clean::What;
use crate::scrub::rules::{Rules, Source};

const SECRETS: &str = include_str!("corpus/secrets.txt");
const INNOCENT: &str = include_str!("corpus/innocent.txt");

fn samples(file: &str) -> impl Iterator<Item = (&str, String)> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('|')).map(|(context, text)| (context, text.replace('¦', "")))
}

/// What is left of a sample in its context.
fn cleaned(rules: &Rules, context: &str, text: &str) -> String {
    let (context, name) = context.split_once(':').unwrap_or((context, ""));
    let (what, source) = match context {
        "auto" => (What::Text, Source::Automatic),
        "autosql" => (What::Sql, Source::Automatic),
        "body" => (What::Body, Source::Automatic),
        "cookies" => (What::Cookies, Source::Automatic),
        "header" => (rules.header(name), Source::Automatic),
        "key" => (rules.named(name), Source::User),
        "query" => (What::Query, Source::Automatic),
        "sql" => (What::Sql, Source::User),
        "text" => (What::Text, Source::User),
        other => panic!("no such context: {other}"),
    };
    rules.clean(name, text, what, source).map_or_else(|| text.to_owned(), |cleaned| cleaned.text)
}

/// The text without its marks, and what stands between them.
fn marked(text: &str) -> (String, Vec<&str>, Vec<&str>) {
    let mut secrets = Vec::new();
    let mut rest = Vec::new();
    for (index, part) in text.split(['‹', '›']).enumerate() {
        if index % 2 == 1 { secrets.push(part) } else { rest.push(part) }
    }
    (text.replace(['‹', '›'], ""), secrets, rest)
}

#[test]
fn secrets_go_and_the_innocent_stays() {
    let rules = Rules::new(&ClientOptions::new());
    let (mut found, mut missed, mut spoilt) = (0, Vec::new(), Vec::new());
    for (context, sample) in samples(SECRETS) {
        let (text, secrets, rest) = marked(&sample);
        assert!(!secrets.is_empty(), "no secret: {sample}");
        let left = cleaned(&rules, context, &text);
        // In order, what was between the secrets is still there, and they are not.
        let mut tail = &*left;
        for part in &rest {
            match tail.find(part) {
                Some(at) => {
                    if secrets.iter().any(|secret| tail[..at].contains(secret)) {
                        missed.push(format!("{context}|{sample} => {left}"));
                    }
                    tail = &tail[at + part.len()..];
                }
                None => spoilt.push(format!("{context}|{sample} => {left}")),
            }
        }
        if left == text || secrets.iter().any(|secret| secret.len() > 3 && left.contains(secret)) {
            missed.push(format!("{context}|{sample} => {left}"));
        } else {
            found += 1;
        }
        assert_eq!(cleaned(&rules, context, &left), left, "done twice: {sample}");
    }
    let innocent: Vec<_> = samples(INNOCENT).collect();
    let wrong: Vec<_> = innocent
        .iter()
        .filter_map(|(context, text)| {
            let left = cleaned(&rules, context, text);
            (left != *text).then(|| format!("{context}|{text} => {left}"))
        })
        .collect();
    let all = samples(SECRETS).count();
    println!(
        "secrets: {all}, recall {:.3}; innocent: {}, precision {:.3}",
        f64::from(found) / all as f64,
        innocent.len(),
        f64::from(found) / (f64::from(found) + wrong.len() as f64),
    );
    assert!(all >= 60 && innocent.len() >= 100);
    assert!(missed.is_empty(), "missed:\n{}", missed.join("\n"));
    assert!(wrong.is_empty(), "wrongly taken out:\n{}", wrong.join("\n"));
    assert!(spoilt.is_empty(), "more than the secret was taken out:\n{}", spoilt.join("\n"));
}
