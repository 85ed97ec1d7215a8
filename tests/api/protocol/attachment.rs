//! Attachments.

use std::fmt::Debug;

use sentry::protocol::client_report::LossSource;
use sentry::protocol::{Attachment, AttachmentType};

fields!(Attachment {
    buffer: Vec<u8>,
    content_type: Option<String>,
    filename: String,
    ty: Option<AttachmentType>,
});
const _: fn(&Attachment, &mut Vec<u8>) -> std::io::Result<()> = Attachment::to_writer;
implements!(Attachment: Clone + Debug + Default + LossSource + PartialEq);

const _: fn(AttachmentType) = |value| match value {
    AttachmentType::AppleCrashReport
    | AttachmentType::Attachment
    | AttachmentType::Minidump
    | AttachmentType::UnrealContext
    | AttachmentType::UnrealLogs
    | AttachmentType::Custom(_) => {}
};
const _: fn(String) -> AttachmentType = AttachmentType::Custom;
const _: fn(&AttachmentType) -> &str = AttachmentType::as_str;
implements!(AttachmentType: Clone + Debug + Default + Eq);
wire!(AttachmentType);
