//! Queries without the values in them: a server groups by the text, and values are nobody's business.

/// `query` with `%s` in the place of each text and number. Names, also quoted ones, stay, and so do placeholders; comments
/// go, in which some libraries write down the trace. `system` is the kind of database, where that is known.
pub(crate) fn parametrized(query: &str, system: Option<&str>) -> String {
    let is = |list: &[&str]| {
        system.is_some_and(|system| list.iter().any(|known| known.eq_ignore_ascii_case(system)))
    };
    let mut shown = match system {
        Some(_) if is(&COMMANDS) => command(query),
        Some(_) if is(&MYSQL) => Reader { escapes: true, is_mysql: true, in_word: IN_WORD }.read(query),
        Some(_) if is(&DOCUMENTS) => Reader { escapes: true, is_mysql: true, in_word: "_" }.read(query),
        Some(_) => read(query, false),
        None => read(query, query.contains('`')),
    };
    shown.truncate(shown.trim_end().len());
    shown
}

/// Of names and placeholders.
const IN_WORD: &str = "_$.:@?";
/// Where names have their own quotes, double ones hold texts.
const MYSQL: [&str; 2] = ["mysql", "mariadb"];
/// Texts are in either kind of quotes, and so are names, if they are.
const DOCUMENTS: [&str; 11] = [
    "mongodb",
    "documentdb",
    "couchdb",
    "couchbase",
    "elasticsearch",
    "opensearch",
    "dynamodb",
    "aws.dynamodb",
    "cosmosdb",
    "azure.cosmosdb",
    "neo4j",
];
/// A word that says what to do, and values without quotes.
const COMMANDS: [&str; 4] = ["redis", "valkey", "keydb", "memcached"];

/// The first word.
fn command(query: &str) -> String {
    let mut words = query.split_whitespace();
    let first = words.next().unwrap_or_default();
    if words.next().is_some() { format!("{first} {VALUE}") } else { first.to_owned() }
}

fn read(query: &str, is_mysql: bool) -> String {
    let [escaping, plain] = [true, false].map(|escapes| Reader { escapes, is_mysql, in_word: IN_WORD });
    if !query.contains("\\'") && !query.contains("\\\"") {
        return plain.read(query);
    }
    // Whether that ends a text is a matter of the database. As a rule only one of the two makes sense of the whole.
    match (escaping.try_read(query), plain.try_read(query)) {
        ((escaped, true), (_, false)) => escaped,
        ((_, false), (plain, true)) => plain,
        ((escaped, true), (plain, true)) if escaped == plain => plain,
        _ => plain.read_to_quote(query),
    }
}

const VALUE: &str = "%s";

struct Reader {
    /// A backslash in a text takes away the meaning of a quote.
    escapes: bool,
    /// Double quotes hold texts, not names.
    is_mysql: bool,
    /// After these a digit is no value.
    in_word: &'static str,
}

impl Reader {
    /// The query without values.
    fn read(&self, query: &str) -> String {
        match self.try_read(query) {
            (out, true) => out,
            _ => self.read_to_quote(query),
        }
    }

    /// What nobody can make sense of is a text from its first quote up to its end.
    fn read_to_quote(&self, query: &str) -> String {
        match query.find(['\'', '"']) {
            Some(at) => self.try_read(&query[..at]).0 + VALUE,
            None => self.try_read(query).0,
        }
    }

    /// The query without values, and whether every text in it has an end.
    fn try_read(&self, query: &str) -> (String, bool) {
        let (mut out, mut is_whole) = (String::with_capacity(query.len()), true);
        let mut rest = query;
        while let Some(first) = rest.chars().next() {
            let is_in_word =
                out.chars().next_back().is_some_and(|c| c.is_alphanumeric() || self.in_word.contains(c));
            let value = match first {
                '\'' => Some(self.text(rest, b'\'')),
                '"' if self.is_mysql => Some(self.text(rest, b'"')),
                '$' if !is_in_word => dollar_text(rest),
                '0'..='9' if !is_in_word => Some((number(rest), true)),
                _ => None,
            };
            let length = match value {
                Some((length, has_end)) => {
                    out.push_str(VALUE);
                    is_whole &= has_end;
                    length
                }
                None => match comment(rest, self.is_mysql) {
                    Some(length) => {
                        out.push(' ');
                        length
                    }
                    None => {
                        let length = kept(rest, first);
                        out.push_str(&rest[..length]);
                        length
                    }
                },
            };
            rest = &rest[length..];
        }
        (out, is_whole)
    }

    /// Bytes of a text in quotes, which may hold doubled quotes, and whether it has an end. Else it goes on to the end.
    fn text(&self, rest: &str, quote: u8) -> (usize, bool) {
        let mut bytes = rest.bytes().enumerate().skip(1).peekable();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'\\' if self.escapes => _ = bytes.next(),
                _ if byte == quote && bytes.peek().is_some_and(|(_, next)| *next == quote) => {
                    _ = bytes.next()
                }
                _ if byte == quote => return (at + 1, true),
                _ => {}
            }
        }
        (rest.len(), false)
    }
}

/// Bytes of a text between two marks such as `$$` or `$tag$`, and whether it has an end.
fn dollar_text(rest: &str) -> Option<(usize, bool)> {
    let tag = rest[1..].split('$').next().filter(|tag| tag.len() + 1 < rest.len())?;
    let is_tag = !tag.starts_with(|c: char| c.is_ascii_digit())
        && tag.chars().all(|c| c.is_alphanumeric() || c == '_');
    let mark = &rest[..tag.len() + 2];
    let end = rest[mark.len()..].find(mark);
    is_tag.then(|| end.map_or((rest.len(), false), |at| (mark.len() + at + mark.len(), true)))
}

/// Bytes of a number, with fraction, exponent or base.
fn number(rest: &str) -> usize {
    let end = |c: char| !(c.is_ascii_alphanumeric() || "._".contains(c));
    rest.find(end).unwrap_or(rest.len())
}

/// Bytes of a comment. One without an end goes on to the end.
fn comment(rest: &str, is_mysql: bool) -> Option<usize> {
    if rest.starts_with("--") || is_mysql && rest.starts_with('#') {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    let inner = rest.strip_prefix("/*")?;
    Some(inner.find("*/").map_or(rest.len(), |at| at + 4))
}

/// Bytes that stay as they are: a quoted name or one character.
fn kept(rest: &str, first: char) -> usize {
    let after = |end: &str| rest[1..].find(end).map_or(rest.len(), |at| 1 + at + end.len());
    match first {
        '"' => after("\""),
        '`' => after("`"),
        _ => first.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_replaced_and_names_stay() {
        for (query, expected) in [
            ("SELECT 1", "SELECT %s"),
            ("SELECT * FROM t1 WHERE a = 'x''y' AND b=2.5e3", "SELECT * FROM t1 WHERE a = %s AND b=%s"),
            ("SELECT \"col 1\", c2 FROM a.b3 WHERE id = $1", "SELECT \"col 1\", c2 FROM a.b3 WHERE id = $1"),
            ("SELECT `col 1` FROM a.b3 WHERE id = $1", "SELECT `col 1` FROM a.b3 WHERE id = $1"),
            ("WHERE a = ?1 OR b = :v2 OR c = @p3", "WHERE a = ?1 OR b = :v2 OR c = @p3"),
            (r"VALUES ('it\'s', 0xff, -7)", "VALUES (%s, %s, -%s)"),
            ("LIMIT 10 OFFSET 20", "LIMIT %s OFFSET %s"),
            ("LIMIT 1_000", "LIMIT %s"),
            ("SELECT $$a 'b' $1$$, $t$c$$d$t$, $1, $2", "SELECT %s, %s, $1, $2"),
            ("SELECT a-1, b - -2 FROM a/b", "SELECT a-%s, b - -%s FROM a/b"),
        ] {
            assert_eq!(parametrized(query, None), expected);
        }
    }

    #[test]
    fn a_quote_behind_a_backslash_is_what_makes_sense_of_the_query() {
        for (query, expected) in [
            (r"VALUES ('C:\', 'secret')", "VALUES (%s, %s)"),
            (r"VALUES ('C:\', 'D:\')", "VALUES (%s, %s)"),
            (r"VALUES ('it\'s', 'secret')", "VALUES (%s, %s)"),
            (r"VALUES ('\\', 'secret')", "VALUES (%s, %s)"),
            // Of these one cannot say.
            (r"WHERE id = 7 AND a = 'it\'s secret\'s' AND b = 2", "WHERE id = %s AND a = %s"),
            (r"SELECT 'secret\'x", "SELECT %sx"),
        ] {
            let shown = parametrized(query, None);
            assert!(!shown.contains("secret"), "{shown}");
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn comments_go_with_all_that_is_in_them() {
        for (query, expected) in [
            ("SELECT a -- don't\nFROM t WHERE a = 'secret'", "SELECT a  \nFROM t WHERE a = %s"),
            ("SELECT a /* it's */ FROM t WHERE a = 'secret'", "SELECT a   FROM t WHERE a = %s"),
            ("SELECT a /*traceparent='00-09e0-01'*/", "SELECT a"),
            ("SELECT '-- a', '/* b', \"/* c\"", "SELECT %s, %s, \"/* c\""),
            ("SELECT a -- secret", "SELECT a"),
            ("SELECT a /* secret", "SELECT a"),
        ] {
            assert_eq!(parametrized(query, None), expected);
        }
    }

    #[test]
    fn what_is_not_sql_has_texts_in_both_kinds_of_quotes_or_in_none() {
        for (system, query, expected) in [
            (
                "mongodb",
                r#"{"find":"users","filter":{"email":"secret","age":7}}"#,
                "{%s:%s,%s:{%s:%s,%s:%s}}",
            ),
            ("MongoDB", r#"{"a":"it's secret"}"#, "{%s:%s}"),
            ("elasticsearch", r#"{"q":"cut off secret"#, "{%s"),
            ("neo4j", r#"MATCH (n {name: "secret"}) RETURN n"#, "MATCH (n {name: %s}) RETURN n"),
            ("redis", "SET session:1 secret", "SET %s"),
            ("redis", "PING", "PING"),
            ("redis", "", ""),
            ("MySQL", "SELECT a # don't\nFROM t WHERE b='secret'", "SELECT a  \nFROM t WHERE b=%s"),
            ("mysql", r#"SELECT a FROM t WHERE b = "secret"#, "SELECT a FROM t WHERE b = %s"),
        ] {
            assert_eq!(parametrized(query, Some(system)), expected);
        }
        // A comment that nobody knows as one.
        let shown = parametrized("SELECT a # don't\nFROM t WHERE b='secret'", None);
        assert_eq!(shown, "SELECT a # don%s");
    }

    #[test]
    fn ugly_queries_do_no_harm() {
        for (query, expected) in [
            ("", ""),
            ("'", "%s"),
            ("'\\", "%s"),
            ("'a''", "%s"),
            ("\"open 1", "\"open 1"),
            ("größe = 'ü' ß7", "größe = %s ß7"),
            ("`", "`"),
            ("$", "$"),
            ("$$", "%s"),
            ("$ü$secret", "%s"),
            ("a$b$c", "a$b$c"),
            ("/*", ""),
            ("--", ""),
            ("\\'", "\\%s"),
        ] {
            assert_eq!(parametrized(query, None), expected);
        }
        assert_eq!(parametrized(&"'".repeat(100_001), None), "%s");
    }

    #[test]
    fn where_names_have_their_own_quotes_double_ones_hold_texts() {
        let query = r#"SELECT a FROM t WHERE b = "jo's \"secret\"" AND c = 'x'"#;
        assert_eq!(parametrized(query, Some("mysql")), "SELECT a FROM t WHERE b = %s AND c = %s");
        let named = r#"SELECT `a` FROM t WHERE b = "secret""#;
        assert_eq!(parametrized(named, None), "SELECT `a` FROM t WHERE b = %s");
        let names = r#"SELECT "a" FROM t WHERE b = 'secret'"#;
        assert_eq!(parametrized(names, Some("postgresql")), r#"SELECT "a" FROM t WHERE b = %s"#);
    }
}
