use std::error::Error;
use std::fmt;

/// Why bytes are no envelope.
#[derive(Debug)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The headers of the envelope are missing.
    MissingHeader,
    /// The headers of an item are missing.
    MissingItemHeader,
    /// There is no newline where one has to be.
    MissingNewline,
    /// The input ended in the middle of an item, or could not be read at all.
    UnexpectedEof,
    /// The headers of the envelope are not what they should be.
    InvalidHeader(serde_json::Error),
    /// The headers of an item are not what they should be.
    InvalidItemHeader(serde_json::Error),
    /// The payload of an item is not what its type promises.
    InvalidItemPayload(serde_json::Error),
    /// There is more of it than a server takes.
    TooLarge,
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingHeader => "missing envelope header",
            Self::MissingItemHeader => "missing item header",
            Self::MissingNewline => "missing newline after header or payload",
            Self::UnexpectedEof => "unexpected end of envelope",
            Self::InvalidHeader(_) => "invalid envelope header",
            Self::InvalidItemHeader(_) => "invalid item header",
            Self::InvalidItemPayload(_) => "invalid item payload",
            Self::TooLarge => "envelope too large",
        })
    }
}

impl Error for EnvelopeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::InvalidHeader(error) | Self::InvalidItemHeader(error) | Self::InvalidItemPayload(error) => {
                Some(error)
            }
            Self::MissingHeader
            | Self::MissingItemHeader
            | Self::MissingNewline
            | Self::UnexpectedEof
            | Self::TooLarge => None,
        }
    }
}
