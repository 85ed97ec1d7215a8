//! Room for attachments of items that wait: some in memory, the rest in files.
//!
//! ```text
//! push ─► Attic::admit ─┬─ fits, or is the only one ─► stays in memory, charged until the worker takes the item
//!                       ├─ does not ─► written to a segment: one write by the capturing thread, never synced
//!                       └─ no room there either, or the disk is full ─► the attachment is lost, and counted
//! ```
//!
//! Items of one scope share their attachments, and are charged for them once. A segment is a file without a name, for the
//! user only: it is gone with the last attachment in it, whatever ends the process.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(not(any(unix, windows)), path = "unsupported.rs")]
mod positioned;
mod segment;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::{fmt, io};

use sentry_core::Outbound;
use sentry_core::protocol::client_report::{ItemLoss, LossSource};
use sentry_core::protocol::{Attachment, PutAway};

use self::segment::{Extent, Segments};
use super::lanes::MAX_BYTES;

/// Where attachments wait.
pub(super) struct Attic(Arc<Inner>);

struct Inner {
    held: Mutex<Held>,
    segments: Segments,
}

#[derive(Default)]
struct Held {
    /// In memory.
    bytes: usize,
    /// Shared ones in memory by their address, which is theirs as long as an item has them: how many items, how many bytes.
    shared: HashMap<usize, (usize, usize)>,
    /// Shared ones that were written already.
    written: Vec<(Weak<Attachment>, Weak<Extent>)>,
}

/// What an item takes in memory; given back when this is dropped.
pub(super) struct Room {
    inner: Arc<Inner>,
    own: usize,
    shared: Vec<usize>,
}

impl Attic {
    /// With segments in `home`, or where temporary files are if that is not there.
    pub(super) fn new(home: Option<PathBuf>) -> Self {
        Self(Arc::new(Inner { held: Mutex::default(), segments: Segments::new(home) }))
    }

    /// Finds room for the attachments of an item. What is returned besides had to be given up.
    pub(super) fn admit(&self, outbound: &mut Outbound) -> (Option<Room>, Vec<ItemLoss>) {
        if !outbound.holds_attachments() {
            return (None, Vec::new());
        }
        let mut room = Room { inner: Arc::clone(&self.0), own: 0, shared: Vec::new() };
        let mut lost = Vec::new();
        outbound.put_away(|attachment, shared| {
            if self.0.charge(attachment, shared, &mut room) {
                return PutAway::Kept;
            }
            match self.0.write(attachment, shared) {
                Ok(extent) => PutAway::Moved(extent),
                Err(_) => {
                    lost.extend(attachment.losses());
                    PutAway::GivenUp
                }
            }
        });
        ((room.own > 0 || !room.shared.is_empty()).then_some(room), lost)
    }

    /// The bytes in memory.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.0.lock().bytes
    }
}

impl Inner {
    /// Charges for an attachment, if it may stay in memory.
    fn charge(&self, attachment: &Attachment, shared: Option<&Arc<Attachment>>, room: &mut Room) -> bool {
        let bytes = attachment.buffer.len();
        let mut held = self.lock();
        let Held { bytes: all, shared: known, .. } = &mut *held;
        // As a single one that is larger than the queue has to wait somewhere as well, and is there already.
        let fits = *all == 0 || *all + bytes <= MAX_BYTES;
        match shared.map(|shared| Arc::as_ptr(shared) as usize) {
            Some(address) => {
                let items = known.get_mut(&address).map(|(items, _)| items);
                match items {
                    Some(items) => *items += 1,
                    None if fits => {
                        *all += bytes;
                        known.insert(address, (1, bytes));
                    }
                    None => return false,
                }
                room.shared.push(address);
            }
            None if fits => {
                *all += bytes;
                room.own += bytes;
            }
            None => return false,
        }
        true
    }

    /// Writes an attachment to a segment, unless that was done for another item.
    fn write(&self, attachment: &Attachment, shared: Option<&Arc<Attachment>>) -> io::Result<Arc<Extent>> {
        let known = shared.and_then(|shared| self.lock().find(shared));
        if let Some(extent) = known {
            return Ok(extent);
        }
        let extent = Arc::new(self.segments.write(&attachment.buffer)?);
        if let Some(shared) = shared {
            self.lock().written.push((Arc::downgrade(shared), Arc::downgrade(&extent)));
        }
        Ok(extent)
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn find(&mut self, shared: &Arc<Attachment>) -> Option<Arc<Extent>> {
        self.written.retain(|(_, extent)| extent.strong_count() > 0);
        let is_it = |(known, _): &&(Weak<Attachment>, _)| std::ptr::eq(known.as_ptr(), Arc::as_ptr(shared));
        self.written.iter().find(is_it)?.1.upgrade()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut held = self.inner.lock();
        held.bytes = held.bytes.saturating_sub(self.own);
        for address in &self.shared {
            let Some((items, bytes)) = held.shared.get_mut(address) else { continue };
            *items -= 1;
            if *items == 0 {
                let bytes = *bytes;
                held.shared.remove(address);
                held.bytes = held.bytes.saturating_sub(bytes);
            }
        }
    }
}

impl fmt::Debug for Attic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attic").field("bytes", &self.0.lock().bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use sentry_core::protocol::{Envelope, Event};
    use sentry_core::{Client, ClientOptions, Hub, Transport};

    use super::*;

    const MIB: usize = 1024 * 1024;

    fn attachment(bytes: usize) -> Attachment {
        Attachment { buffer: vec![b'x'; bytes], filename: "file".into(), ..Attachment::default() }
    }

    /// Keeps what is captured.
    #[derive(Default)]
    struct Catch(Mutex<Vec<Outbound>>);

    impl Transport for Catch {
        fn send_envelope(&self, _: Envelope) {}

        fn send(&self, outbound: Outbound) {
            self.0.lock().unwrap().push(outbound);
        }
    }

    /// An event with attachments of its own.
    fn owning(bytes: &[usize]) -> Outbound {
        let mut envelope = Envelope::from(Event::default());
        bytes.iter().for_each(|bytes| envelope.add_item(attachment(*bytes)));
        Outbound::from_envelope(envelope)
    }

    fn sizes(outbound: Outbound) -> (Vec<usize>, Vec<u64>) {
        use sentry_core::envelope::EnvelopeItem;

        let (mut memory, mut stored) = (Vec::new(), Vec::new());
        for item in outbound.finish().items() {
            match item {
                EnvelopeItem::Attachment(attachment) => memory.push(attachment.buffer.len()),
                EnvelopeItem::StoredAttachment(attachment) => {
                    let bytes = attachment.bytes();
                    let mut read = vec![0; usize::try_from(bytes.length()).unwrap()];
                    assert_eq!(bytes.read_at(0, &mut read).unwrap(), read.len());
                    assert!(read.iter().all(|byte| *byte == b'x'));
                    stored.push(bytes.length());
                }
                _ => {}
            }
        }
        (memory, stored)
    }

    #[test]
    fn memory_holds_what_the_queue_may_and_files_the_rest() {
        let attic = Attic::new(None);
        let admit = |bytes: &[usize]| {
            let mut outbound = owning(bytes);
            let (room, lost) = attic.admit(&mut outbound);
            assert_eq!(lost, []);
            (room, sizes(outbound))
        };
        assert!(admit(&[]).0.is_none());
        let (first, held) = admit(&[5 * MIB]);
        assert_eq!(held, (vec![5 * MIB], vec![]));
        let (second, held) = admit(&[5 * MIB, MIB]);
        assert_eq!(held, (vec![MIB], vec![5 * MIB as u64]));
        assert_eq!(attic.bytes(), 6 * MIB);
        drop((first, second));
        assert_eq!(attic.bytes(), 0);
        let (_room, held) = admit(&[20 * MIB]);
        assert_eq!(held, (vec![20 * MIB], vec![]), "a single one is not written");
    }

    #[test]
    fn what_items_share_is_charged_and_written_once() {
        let attic = Attic::new(None);
        let caught = Arc::new(Catch::default());
        let options = ClientOptions::new().dsn("http://key@host/1").transport(Arc::clone(&caught));
        let hub = Arc::new(Hub::new(Some(Arc::new(Client::with_options(options))), Arc::default()));
        hub.configure_scope(|scope| {
            [5 * MIB, 6 * MIB].into_iter().for_each(|bytes| scope.add_attachment(attachment(bytes)));
        });
        (0..10).for_each(|_| assert!(!hub.capture_event(Event::default()).is_nil()));
        let outbounds = std::mem::take(&mut *caught.0.lock().unwrap());
        assert_eq!(outbounds.len(), 10);
        let mut rooms = Vec::new();
        for mut outbound in outbounds {
            let (room, lost) = attic.admit(&mut outbound);
            assert_eq!(lost, []);
            rooms.push((room, outbound));
        }
        assert_eq!(attic.bytes(), 5 * MIB);
        assert_eq!(attic.0.segments.bytes(), 6 * MIB as u64);
        rooms.clear();
        assert_eq!((attic.bytes(), attic.0.segments.bytes()), (0, 0));
    }

    #[test]
    fn what_has_no_room_anywhere_is_lost_and_the_event_stays() {
        let attic =
            Attic(Arc::new(Inner { held: Mutex::default(), segments: Segments::of(None, 3 * MIB as u64) }));
        let mut outbounds = [owning(&[8 * MIB]), owning(&[2 * MIB]), owning(&[2 * MIB])];
        let admitted = outbounds.each_mut().map(|outbound| attic.admit(outbound));
        let lost = admitted.each_ref().map(|(_, lost)| lost.iter().map(|loss| loss.quantity).sum::<u64>());
        assert_eq!(lost, [0, 0, 2 * MIB as u64]);
        let held = outbounds.map(|outbound| {
            assert!(!outbound.losses().is_empty(), "the event");
            sizes(outbound)
        });
        assert_eq!(held, [(vec![8 * MIB], vec![]), (vec![], vec![2 * MIB as u64]), (vec![], vec![])]);
    }
}
