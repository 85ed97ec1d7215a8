//! One text with a certificate and its key, for a library that wants two.

/// The text from the private key on: the platform library accepts no other beginning. Without one, all of it.
pub(super) fn private_key(pem: &[u8]) -> &[u8] {
    const BEGIN: &[u8] = b"-----BEGIN PRIVATE KEY-----";
    let start = pem.windows(BEGIN.len()).position(|window| window == BEGIN);
    &pem[start.unwrap_or(0)..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_found_wherever_it_is() {
        let key = b"-----BEGIN PRIVATE KEY-----\nAA";
        assert_eq!(private_key(key), key);
        assert_eq!(private_key(&[b"-----BEGIN CERTIFICATE-----\n", &key[..]].concat()), key);
        assert_eq!(private_key(b"none"), b"none");
        assert_eq!(private_key(b""), b"");
    }
}
