//! Each scanner against a regular expression that says the same.

use regex::bytes::Regex;

use super::dice::{Dice, PIECES};
use crate::scrub::keys::Names;
use crate::scrub::text::{Hit, Rule, Wanted, find};

const ROUNDS: u64 = if cfg!(debug_assertions) { 5_000 } else { 100_000 };

/// What the scanners find of one kind.
fn found(text: &[u8], rule: Rule) -> Vec<(usize, usize)> {
    let names = Names::default();
    let mut hits: Vec<Hit> = Vec::new();
    find(text, Wanted { names: &names, personal: true }, &mut hits);
    assert!(hits.windows(2).all(|two| two[0].end <= two[1].start), "in order: {hits:?}");
    hits.iter().filter(|hit| hit.rule == rule).map(|hit| (hit.start, hit.end)).collect()
}

/// Compares on texts of `pieces`, which hold nothing that another scanner would take away.
fn compare(rule: Rule, pieces: &[&str], oracle: &str, is_valid: impl Fn(&[u8], usize, usize) -> bool) {
    let oracle = Regex::new(oracle).unwrap();
    let mut matches = 0;
    for seed in 0..ROUNDS {
        let text = Dice(seed).text(pieces);
        let bytes = text.as_bytes();
        let mut expected = Vec::new();
        let mut from = 0;
        while let Some(captures) = oracle.captures_at(bytes, from) {
            let hit = captures.get(1).or_else(|| captures.get(0)).unwrap();
            let is_next =
                rule == Rule::CloudKey && expected.last().is_some_and(|(_, end)| *end == hit.start());
            if is_next || is_valid(bytes, hit.start(), hit.end()) {
                expected.push((hit.start(), hit.end()));
                from = hit.end();
            } else {
                // The next word: the scanners do not begin within one.
                let word = bytes[hit.start()..].iter().position(|byte| !byte.is_ascii_alphanumeric());
                from = hit.start() + word.unwrap_or_else(|| bytes.len() - hit.start()).max(1);
            }
            if from >= bytes.len() {
                break;
            }
        }
        matches += expected.len();
        assert_eq!(found(bytes, rule), expected, "seed {seed}: {text:?}");
    }
    assert!(matches > 100, "{rule:?}: only {matches} matches");
}

fn alnum_before(text: &[u8], at: usize) -> bool {
    at.checked_sub(1).is_some_and(|at| text[at].is_ascii_alphanumeric())
}

#[test]
fn social_security_numbers() {
    let pieces = [
        "123",
        "000",
        "9",
        "-",
        "45",
        "00",
        "6789",
        "0000",
        " ",
        ".",
        "a",
        "123-45-6789",
        "899-01-0001",
        "666-12-3456",
    ];
    compare(Rule::Ssn, &pieces, r"[0-9]{3}-[0-9]{2}-[0-9]{4}", |text, start, end| {
        let (area, group, serial) =
            (&text[start..start + 3], &text[start + 4..start + 6], &text[start + 7..end]);
        let joins = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        let before = start.checked_sub(1).is_some_and(|at| joins(text[at]));
        let after = match text.get(end) {
            Some(b'.') => text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric),
            after => after.is_some_and(|byte| joins(*byte)),
        };
        let issued =
            area != b"000" && area != b"666" && area[0] != b'9' && group != b"00" && serial != b"0000";
        !before && !after && issued
    });
}

#[test]
fn json_web_tokens() {
    let pieces = [
        "eyJ",
        "eyJhbGciOi",
        ".",
        "..",
        "-",
        "_",
        "a",
        "Z9",
        " ",
        "eyJhbGciOi.eyJzdWIi.sig-n_ature",
        "eyJhbGciOi.eyJzdWIi",
    ];
    // The shortest header is `{}` and what it takes to say an algorithm.
    let oracle = r"(?-u)eyJ[A-Za-z0-9_-]{5,}\.eyJ[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_.-]*[A-Za-z0-9_.-])?";
    let oracle = Regex::new(oracle).unwrap();
    let mut matches = 0;
    for seed in 0..ROUNDS {
        let text = Dice(seed).text(&pieces);
        let bytes = text.as_bytes();
        let found = found(bytes, Rule::Jwt);
        matches += found.len();
        for &(start, end) in &found {
            assert!(
                oracle.find(&bytes[start..]).is_some_and(|it| it.start() == 0),
                "seed {seed}: {text:?} {start}"
            );
            assert!(!alnum_before(bytes, start) && end <= bytes.len(), "seed {seed}: {text:?}");
        }
        // Nothing that begins a word is overlooked.
        let mut rest = bytes.to_vec();
        for &(start, end) in &found {
            rest[start..end].fill(b' ');
        }
        let missed = oracle
            .find_iter(&rest)
            .find(|it| !rest[it.start().saturating_sub(1)..it.start()].iter().any(u8::is_ascii_alphanumeric));
        // A run of token characters is one token, wherever in it a word begins.
        let missed = missed.filter(|it| {
            let run = rest[..it.start()]
                .iter()
                .rev()
                .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
            run.count() == 0
        });
        assert!(missed.is_none(), "seed {seed}: {text:?} {missed:?}");
    }
    assert!(matches > 100);
}

#[test]
fn cloud_keys() {
    let pieces = [
        "AKIA",
        "ASIA",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_",
        "ghp_0123456789abcdefABCDEF0123456789",
        "sk_live_",
        "4eC39HqLyjWD",
        "AIza",
        "SyA1234567890abcdefghijklmnopqrstuvw",
        "npm_",
        "x",
        "9",
        "_",
        "-",
        " ",
        ".",
        "é",
    ];
    let oracle = r"(?-u)(?:AKIA|ASIA)[A-Z0-9]{16,}|ghp_[A-Za-z0-9]{30,}|sk_live_[A-Za-z0-9]{10,}|AIza[A-Za-z0-9_-]{35,}|npm_[A-Za-z0-9]{36,}";
    compare(Rule::CloudKey, &pieces, oracle, |text, start, _| !alnum_before(text, start));
}

#[test]
fn addresses() {
    let pieces =
        ["8.8.8.8", "10.0.0.1", "1", "255", "256", ".", " ", ",", "a", "/", "//", "-", "93.184.216.34", "v"];
    let oracle = r"(?-u)(?:[0-9]{1,3}\.){3}[0-9]{1,3}";
    compare(Rule::Ip, &pieces, oracle, |text, start, end| {
        let before = |back: usize| start.checked_sub(back).map(|at| text[at]);
        let is_part = matches!(before(1), Some(b'.' | b'-' | b'_'))
            || before(1) == Some(b'/') && before(2) != Some(b'/');
        let tail = match text.get(end) {
            Some(b'.') => text.get(end + 1).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.'),
            Some(byte) => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            None => false,
        };
        let address: Option<std::net::Ipv4Addr> =
            std::str::from_utf8(&text[start..end]).unwrap().parse().ok();
        let is_public =
            address.is_some_and(|it| !it.is_private() && !matches!(it.octets()[0], 0 | 127 | 240..));
        !alnum_before(text, start) && !is_part && !tail && is_public
    });
}

#[test]
fn e_mail_addresses() {
    let pieces =
        ["jo", "jo.doe", "@", "example", ".com", ".", "-", "2x", " ", "é", "9", "c", "jo@example.com", "/"];
    let oracle =
        Regex::new(r"(?-u)[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9](?:[A-Za-z0-9-]*\.?)*\.[A-Za-z]{2,}")
            .unwrap();
    let simple = Regex::new(r"(?-u)(?:^| )jo@example\.com(?: |$)").unwrap();
    let mut matches = 0;
    for seed in 0..ROUNDS {
        let text = Dice(seed).text(&pieces);
        for (start, end) in found(text.as_bytes(), Rule::Email) {
            matches += 1;
            let hit = &text.as_bytes()[start..end];
            let whole = oracle.find(hit).is_some_and(|it| (it.start(), it.end()) == (0, hit.len()));
            assert!(whole, "seed {seed}: {text:?} {:?}", &text[start..end]);
        }
        assert!(
            !simple.is_match(text.as_bytes()) || !found(text.as_bytes(), Rule::Email).is_empty(),
            "seed {seed}: {text:?}"
        );
    }
    assert!(matches > 100);
}

#[test]
fn cards_pass_the_checksum_and_nothing_else_does() {
    let oracle = Regex::new(r"(?-u)^(?:[0-9]{14,16}|[0-9]{4}([ -])[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5}|[0-9]{8}[ -][0-9]{8}|[0-9]{17,19}|[0-9]{6}[ -][0-9]{13}|(?:[0-9]{4}[ -]){4}[0-9]{3})$").unwrap();
    let luhn = |digits: &[u8]| {
        let sum: u32 = digits
            .iter()
            .rev()
            .enumerate()
            .map(|(index, digit)| {
                let digit = u32::from(digit - b'0') * (1 + index as u32 % 2);
                digit / 10 + digit % 10
            })
            .sum();
        sum.is_multiple_of(10)
    };
    let mut matches = 0;
    for seed in 0..ROUNDS {
        let mut dice = Dice(seed);
        // A random number of an issuer, half of them with the right last digit.
        let mut digits: Vec<u8> = dice.of(&["4", "51", "6011", "2300", "9", "1", "35"]).bytes().collect();
        while digits.len() < 16 {
            digits.push(b'0' + dice.below(10) as u8);
        }
        let text: String = digits
            .iter()
            .enumerate()
            .map(|(index, digit)| match seed % 3 {
                0 if index > 0 && index % 4 == 0 => format!(" {}", char::from(*digit)),
                1 if index > 0 && index % 4 == 0 => format!("-{}", char::from(*digit)),
                _ => char::from(*digit).to_string(),
            })
            .collect();
        let found = !found(text.as_bytes(), Rule::Card).is_empty();
        let is_issued = match &digits[..2] {
            [b'4', _] => true,
            b"51" | b"60" | b"23" => true,
            b"35" => (b'2'..=b'8').contains(&digits[2]),
            _ => false,
        };
        assert_eq!(found, is_issued && luhn(&digits), "seed {seed}: {text}");
        matches += usize::from(found);
    }
    assert!(matches > 200);
    // Whatever is taken for one in noise has its shape and its checksum.
    for seed in 0..ROUNDS {
        let text = Dice(seed).text(PIECES);
        for (start, end) in found(text.as_bytes(), Rule::Card) {
            let hit = &text.as_bytes()[start..end];
            let digits: Vec<u8> = hit.iter().copied().filter(u8::is_ascii_digit).collect();
            assert!(
                oracle.is_match(hit) && luhn(&digits) && !alnum_before(text.as_bytes(), start),
                "{text:?}"
            );
        }
    }
}
