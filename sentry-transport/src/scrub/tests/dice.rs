//! Random texts with a seed.

/// The generator of Vigna, SplitMix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(crate) fn of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// Pieces in a row, with noise between them.
    pub(crate) fn text(&mut self, pieces: &[&str]) -> String {
        (0..self.below(12)).map(|_| self.of(pieces)).collect()
    }
}

/// What the scanners react to, whole and broken.
pub(crate) const PIECES: &[&str] = &[
    " ",
    "  ",
    "\n",
    "\t",
    ".",
    ",",
    ";",
    ":",
    "::",
    "=",
    "==",
    "=>",
    "&",
    "?",
    "#",
    "@",
    "/",
    "//",
    "://",
    "\\",
    "\"",
    "\\\"",
    "'",
    "`",
    "-",
    "--",
    "-----",
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "%",
    "$",
    "_",
    "a",
    "b",
    "z",
    "A",
    "Z",
    "0",
    "1",
    "9",
    "é",
    "🦀",
    "卡",
    "\u{0}",
    "\u{85}",
    "eyJ",
    "eyJhbGciOi",
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-",
    "378282246310005",
    "123-45-6789",
    "123",
    "45",
    "6789",
    "DE89",
    "DE89370400440532013000",
    "DE89 3704 0044 0532 0130 00",
    "AKIA",
    "AKIAIOSFODNN7EXAMPL2",
    "ghp_",
    "0123456789abcdefABCDEF0123456789",
    "xoxb-",
    "Bearer ",
    "basic ",
    "dXNlcjpwYXNz",
    "-----BEGIN ",
    "PRIVATE KEY-----",
    "-----END ",
    "password",
    "token",
    "auth",
    "session",
    "key",
    "api_",
    "Authorization",
    "cookie",
    "Some(",
    "null",
    "true",
    "hunter2",
    "https",
    "jo",
    "example",
    "com",
    "home",
    "Users",
    "8.8.8.8",
    "10.0.0.1",
    "2a00:1450:",
    "2a00",
    "[Filtered]",
];
