//! Names that an application chose, word by word.

use super::Secrecy;

/// The longest word that means anything.
const LONGEST: usize = 20;

/// What `name` says. Words end at a change from lower to upper case, at digits, and at whatever is no letter.
pub(super) fn secrecy(name: &[u8]) -> Secrecy {
    let mut found = Secrecy::Clear;
    let mut has_qualifier = false;
    let mut is_first = true;
    let mut start = 0;
    for (index, byte) in name.iter().enumerate() {
        let word = &name[start..index];
        if ends_before(word, *byte, name.get(index + 1)) {
            // `has_token` and `max_tokens` are about secrets, and none.
            if is_first && is_counting(lower(word, &mut [0; LONGEST])) {
                return Secrecy::Clear;
            }
            is_first = false;
            found = found.max(of_word(word, &mut has_qualifier));
            start = index;
        }
        if !byte.is_ascii_alphabetic() {
            start = index + 1;
        }
    }
    let last = &name[start..];
    found = found.max(of_word(last, &mut has_qualifier));
    // `session_count` and `token_type` likewise.
    if found != Secrecy::Clear && is_describing(lower(last, &mut [0; LONGEST])) {
        Secrecy::Clear
    } else {
        found
    }
}

/// Whether `byte`, with `next` behind it, begins another word than `word`.
fn ends_before(word: &[u8], byte: u8, next: Option<&u8>) -> bool {
    let Some(last) = word.last() else { return false };
    let is_hump = byte.is_ascii_uppercase()
        && (last.is_ascii_lowercase() || next.is_some_and(|next| next.is_ascii_lowercase()));
    !byte.is_ascii_alphabetic() || is_hump
}

/// The word in lower case; one that is too long has no meaning and is shown as far as it goes.
fn lower<'b>(word: &[u8], buffer: &'b mut [u8; LONGEST]) -> &'b [u8] {
    let length = word.len().min(LONGEST);
    for (lower, byte) in buffer.iter_mut().zip(word) {
        *lower = byte.to_ascii_lowercase();
    }
    &buffer[..length]
}

fn of_word(word: &[u8], has_qualifier: &mut bool) -> Secrecy {
    // Most words begin or end as none below does.
    let word = &word[..word.len().min(LONGEST)];
    let (Some(first), Some(last)) = (word.first(), word.last()) else { return Secrecy::Clear };
    let may_begin = matches!(
        first.to_ascii_lowercase(),
        b'a' | b'b' | b'c' | b'i' | b'j' | b'k' | b'o' | b'p' | b's' | b't' | b'x'
    );
    if !may_begin && !matches!(last.to_ascii_lowercase(), b'd' | b'n' | b'y') || word.len() < 3 {
        return Secrecy::Clear;
    }
    let buffer = &mut [0; LONGEST];
    let word = lower(word, buffer);
    let secrecy = match word {
        b"password" | b"passwords" | b"passwd" | b"pwd" | b"passphrase" | b"passcode" => Secrecy::Password,
        b"secret" | b"secrets" | b"token" | b"credential" | b"credentials" | b"jwt" | b"bearer"
        | b"authorization" | b"clientsecret" | b"apisecret" | b"cvv" | b"cvc" => Secrecy::Strong,
        b"auth" | b"sso" | b"saml" | b"csrf" | b"xsrf" | b"session" | b"sid" | b"identity" | b"otp"
        | b"sessionid" | b"sessid" | b"phpsessid" | b"jsessionid" | b"cookie" | b"cookies" => Secrecy::Weak,
        b"key" | b"keys" if *has_qualifier => Secrecy::Strong,
        b"apikey" | b"apikeys" | b"accesskey" | b"privatekey" | b"secretkey" | b"signingkey" => {
            Secrecy::Strong
        }
        // In one word, as flags and columns are called.
        word if word.ends_with(b"password") || word.ends_with(b"passwd") => Secrecy::Password,
        word if word.ends_with(b"token") || word.ends_with(b"apikey") => Secrecy::Strong,
        _ => Secrecy::Clear,
    };
    *has_qualifier |= matches!(word, b"api" | b"access" | b"private" | b"secret" | b"signing");
    secrecy
}

/// Words that make the words before them something to tell about.
#[rustfmt::skip]
fn is_describing(word: &[u8]) -> bool {
    matches!(
        word,
        b"age" | b"at" | b"banner" | b"bucket" | b"bytes" | b"class" | b"consent" | b"count" | b"counter"
        | b"dir" | b"directory" | b"disabled" | b"domain" | b"duration" | b"enabled" | b"endpoint"
        | b"expiration" | b"expired" | b"expires" | b"expiry" | b"file" | b"host" | b"kind" | b"len"
        | b"length" | b"limit" | b"method" | b"mode" | b"ms" | b"name" | b"path" | b"policy" | b"port"
        | b"present" | b"provider" | b"region" | b"required" | b"seconds" | b"secs" | b"size" | b"started"
        | b"state" | b"status" | b"strength" | b"timeout" | b"total" | b"ttl" | b"type" | b"uri" | b"url"
        | b"usage" | b"used" | b"valid" | b"version"
    )
}

/// The same for words behind them.
fn is_counting(word: &[u8]) -> bool {
    matches!(word, b"has" | b"is" | b"max" | b"min" | b"n" | b"num" | b"total" | b"use" | b"uses")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_secrets() {
        for name in [
            "password",
            "PASSWORD",
            "user_password",
            "userPassword",
            "db.passwd",
            "pwd",
            "mysql_pwd",
            "auth",
            "token",
            "accessToken",
            "access_token",
            "AccessToken",
            "APIKey",
            "api_key",
            "apiKey",
            "x-api-key",
            "API_KEY",
            "private_key",
            "signing.rsa.key",
            "secret",
            "client-secret",
            "session",
            "session_id",
            "sessionId",
            "sid",
            "connect.sid",
            "user.identity",
            "ssoTicket",
            "saml_response",
            "csrf",
            "jwt",
            "bearer",
            "credentials",
            "AWS_SECRET_ACCESS_KEY",
            "aws_access_key_id",
            "password1",
            "token2",
            "JWTToken",
            "dbpassword",
            "idtoken",
            "sessionID",
            "api-access-keys",
            "authorization",
            "secretKeyBase",
        ] {
            assert_ne!(secrecy(name.as_bytes()), Secrecy::Clear, "{name}");
        }
    }

    #[test]
    fn parts_of_words_and_descriptions_are_not() {
        for name in [
            "",
            "author",
            "authors",
            "monkey",
            "cache.key",
            "session_count",
            "key",
            "primary_key",
            "keyboard",
            "KeyError",
            "foreignKey",
            "public_key",
            "tokens",
            "input_tokens",
            "gen_ai.usage.input_tokens",
            "tokenizer",
            "max_tokens",
            "token_type",
            "has_token",
            "is_auth",
            "sessions",
            "obsession",
            "secretary",
            "inside",
            "side",
            "residual",
            "passwordless",
            "compass",
            "password_length",
            "auth_method",
            "token_count",
            "ssot",
            "identityless",
            "access",
            "sort_key",
            "partition.key",
            "key_access",
            "turkey",
            "authentication",
            "authority",
            "numSessions",
            "cookie_consent",
            "token_url",
            "auth_dir",
            "session_expires_at",
        ] {
            assert_eq!(secrecy(name.as_bytes()), Secrecy::Clear, "{name}");
        }
    }
}
