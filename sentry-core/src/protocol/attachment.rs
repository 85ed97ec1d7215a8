//! Files that travel with an event.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an attachment is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AttachmentType {
    /// A plain file.
    #[default]
    Attachment,
    /// A minidump, which makes the event a native crash.
    Minidump,
    /// A crash report of an Apple system.
    AppleCrashReport,
    /// The context file of an Unreal Engine crash.
    UnrealContext,
    /// The logs of an Unreal Engine crash.
    UnrealLogs,
    /// Anything else.
    Custom(String),
}

impl AttachmentType {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Attachment => "event.attachment",
            Self::Minidump => "event.minidump",
            Self::AppleCrashReport => "event.applecrashreport",
            Self::UnrealContext => "unreal.context",
            Self::UnrealLogs => "unreal.logs",
            Self::Custom(name) => name,
        }
    }

    fn from_name(name: String) -> Self {
        match name.as_str() {
            "event.attachment" => Self::Attachment,
            "event.minidump" => Self::Minidump,
            "event.applecrashreport" => Self::AppleCrashReport,
            "unreal.context" => Self::UnrealContext,
            "unreal.logs" => Self::UnrealLogs,
            _ => Self::Custom(name),
        }
    }
}

impl Serialize for AttachmentType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AttachmentType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from_name)
    }
}

/// A file in memory.
#[derive(Clone, Default, PartialEq)]
pub struct Attachment {
    /// Its bytes.
    pub buffer: Vec<u8>,
    /// Its name, without a path.
    pub filename: String,
    /// Its MIME type; `application/octet-stream` by default.
    pub content_type: Option<String>,
    /// What it is for; a plain file by default.
    pub ty: Option<AttachmentType>,
}

/// The header of an attachment item, in the order it is written.
#[derive(Serialize)]
struct Header<'a> {
    r#type: &'static str,
    length: u64,
    filename: &'a str,
    attachment_type: &'a str,
    content_type: &'a str,
}

impl Attachment {
    /// Writes it as an envelope item: header, newline, bytes.
    ///
    /// # Errors
    ///
    /// Only those of the writer.
    pub fn to_writer<W: Write>(&self, writer: &mut W) -> io::Result<()> {
        let length = self.buffer.len() as u64;
        write_header(writer, length, &self.filename, self.content_type.as_deref(), self.ty.as_ref())?;
        writer.write_all(&self.buffer)
    }
}

/// Writes the headers of an attachment, and the newline behind them.
pub(crate) fn write_header<W: Write>(
    writer: &mut W,
    length: u64,
    filename: &str,
    content_type: Option<&str>,
    ty: Option<&AttachmentType>,
) -> io::Result<()> {
    let header = Header {
        r#type: "attachment",
        length,
        filename: base_name(filename),
        attachment_type: ty.map_or("event.attachment", AttachmentType::as_str),
        content_type: content_type.unwrap_or("application/octet-stream"),
    };
    serde_json::to_writer(&mut *writer, &header)?;
    writer.write_all(b"\n")
}

/// What a file is by the end of its name.
pub(crate) fn content_type_of(filename: &str) -> Option<&'static str> {
    let (_, ending) = filename.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "csv" => "text/csv",
        "gif" => "image/gif",
        "gz" => "application/gzip",
        "htm" | "html" => "text/html",
        "jpeg" | "jpg" => "image/jpeg",
        "json" => "application/json",
        "log" | "md" | "txt" => "text/plain",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "toml" => "application/toml",
        "webp" => "image/webp",
        "xml" => "application/xml",
        "yaml" | "yml" => "application/yaml",
        "zip" => "application/zip",
        _ => return None,
    })
}

/// The header asks for a name without a path, and for one at all.
fn base_name(filename: &str) -> &str {
    let name = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    if name.is_empty() { "attachment" } else { name }
}

impl fmt::Debug for Attachment {
    /// The bytes are not shown, only how many there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("buffer", &self.buffer.len())
            .field("filename", &self.filename)
            .field("content_type", &self.content_type)
            .field("ty", &self.ty)
            .finish()
    }
}

/// A file on disk, read when it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileAttachment {
    /// Where it is.
    pub path: PathBuf,
    /// The name it is sent under, without a path.
    pub filename: String,
    /// Its MIME type; by default what the end of its name says, or `application/octet-stream`.
    pub content_type: Option<String>,
    /// What it is for; a plain file by default.
    pub attachment_type: Option<AttachmentType>,
    /// Whether it goes with transactions as well. By default only events have attachments.
    pub add_to_transactions: bool,
}

impl FileAttachment {
    /// The file at `path`, sent under its own name.
    #[must_use]
    pub fn new<P: Into<PathBuf>>(path: P) -> Self {
        let path = path.into();
        let filename = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { path, filename, ..Self::default() }
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The attachment made of the bytes that were read from the file.
    #[must_use]
    pub fn into_attachment(self, buffer: Vec<u8>) -> Attachment {
        Attachment {
            buffer,
            filename: self.filename,
            content_type: self.content_type,
            ty: self.attachment_type,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(attachment: &Attachment) -> String {
        let mut bytes = Vec::new();
        attachment.to_writer(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_attachment_is_header_newline_bytes() {
        let attachment =
            Attachment { buffer: b"hello".to_vec(), filename: "a.txt".into(), ..Attachment::default() };
        assert_eq!(
            written(&attachment),
            concat!(
                r#"{"type":"attachment","length":5,"filename":"a.txt","attachment_type":"event.attachment","#,
                r#""content_type":"application/octet-stream"}"#,
                "\nhello"
            )
        );
    }

    #[test]
    fn names_are_escaped_and_lose_their_path() {
        let name = |filename: &str| {
            let text = written(&Attachment { filename: filename.into(), ..Attachment::default() });
            let header: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
            header["filename"].as_str().unwrap().to_owned()
        };
        assert_eq!(name("/var/log/a.txt"), "a.txt");
        assert_eq!(name("C:\\dumps\\a.dmp"), "a.dmp");
        assert_eq!(name("with \"quotes\"\n"), "with \"quotes\"\n");
        assert_eq!(name(""), "attachment");
        assert_eq!(name("dir/"), "attachment");
    }

    #[test]
    fn types_are_names_on_the_wire() {
        for (ty, name) in [
            (AttachmentType::Attachment, "event.attachment"),
            (AttachmentType::Minidump, "event.minidump"),
            (AttachmentType::AppleCrashReport, "event.applecrashreport"),
            (AttachmentType::UnrealContext, "unreal.context"),
            (AttachmentType::UnrealLogs, "unreal.logs"),
            (AttachmentType::Custom("event.view_hierarchy".into()), "event.view_hierarchy"),
        ] {
            assert_eq!(serde_json::to_value(&ty).unwrap(), name);
            assert_eq!(serde_json::from_value::<AttachmentType>(name.into()).unwrap(), ty);
        }
    }

    #[test]
    fn a_file_is_sent_under_its_own_name() {
        let file = FileAttachment::new("/var/log/app.log");
        assert_eq!(file.filename, "app.log");
        assert_eq!(file.into_attachment(vec![1]).buffer, vec![1]);
    }

    #[test]
    fn debug_output_does_not_show_the_bytes() {
        let attachment = Attachment { buffer: vec![65; 1000], ..Attachment::default() };
        assert!(format!("{attachment:?}").contains("buffer: 1000"));
    }
}
