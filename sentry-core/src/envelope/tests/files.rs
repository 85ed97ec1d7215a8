//! Envelopes and attachments that are files.

use std::fs;
use std::path::PathBuf;

use super::*;

#[test]
fn files_are_read_when_written_and_their_path_stays_here() {
    let path = temp("attached.txt", b"content");
    let mut envelope = Envelope::from(event());
    envelope.add_item(FileAttachment::new(&path));
    envelope.add_item(attachment());

    let bytes = bytes(&envelope);
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("\ncontent\n"), "{text}");
    assert!(!text.contains(&*path.parent().unwrap().to_string_lossy()), "{text}");
    assert_eq!(Envelope::from_slice(&bytes).unwrap().items().count(), 3);
    fs::remove_file(&path).unwrap();

    let mut written = Vec::new();
    let outcome = envelope.write_to(&mut written).unwrap();
    assert_eq!(outcome.items, 2);
    assert_eq!(
        outcome.losses,
        [ItemLoss::new(Category::Attachment, 1).with_reason(Reason::InternalSdkError)]
    );
    assert_eq!(Envelope::from_slice(&written).unwrap().items().count(), 2);
}

#[test]
fn too_large_files_and_what_is_no_file_are_left_out() {
    let path = temp("large.bin", b"");
    let size = 20 * 1024 * 1024 + 1;
    fs::File::options().write(true).open(&path).unwrap().set_len(size).unwrap();
    let mut envelope = Envelope::from(event());
    envelope.add_item(FileAttachment::new(&path));
    envelope.add_item(FileAttachment::new(path.parent().unwrap()));
    let outcome = envelope.write_to(io::sink()).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(outcome.items, 1);
    assert_eq!(
        outcome.losses,
        [
            ItemLoss::new(Category::Attachment, size).with_reason(Reason::Invalid),
            ItemLoss::new(Category::Attachment, 1).with_reason(Reason::InternalSdkError),
        ]
    );
}

#[test]
fn files_are_read_as_envelopes() {
    let path = temp("sample.envelope", &sample());
    assert_eq!(bytes(&Envelope::from_path(&path).unwrap()), sample());
    assert_eq!(bytes(&Envelope::from_path_raw(&path).unwrap()), sample());
    fs::remove_file(&path).unwrap();
    assert!(matches!(Envelope::from_path(&path), Err(EnvelopeError::UnexpectedEof)));
    assert!(matches!(Envelope::from_path_raw(&path), Err(EnvelopeError::UnexpectedEof)));
}

fn temp(name: &str, content: &[u8]) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("sentry-core-envelope-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    path
}
