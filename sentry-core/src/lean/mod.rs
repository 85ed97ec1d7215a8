//! Events without the room for what they do not hold.
//!
//! [`Event`] has a field for everything and takes 1.3 KiB before there is anything in it; its contexts and the maps in
//! it take as much again each. While an event waits in the queue it is kept like this, so that a burst of ten thousand
//! fits its bound:
//!
//! - what is not set takes no room: [`Part`] is what few events have;
//! - what a client says in all its events ([`Constants`], the contexts of the machine) is there once: [`Known`];
//! - maps are slices.
//!
//! [`LeanEvent::into_event`] gives back an equal event.

mod constants;
mod context;
mod exception;
mod gist;
mod known;
mod pairs;
mod part;

use std::time::SystemTime;

use self::constants::Constants;
use self::context::{LeanContext, Trace};
pub use self::gist::{Gist, Outermost};
pub(crate) use self::known::Known;
use self::known::Share;
use self::pairs::Pairs;
use self::part::Part;
use crate::protocol::{Event, Level};
use crate::size::chunk;
use crate::types::Uuid;

/// An event in as little room as it needs. Its id is kept with the item that holds it.
#[derive(Clone, Debug)]
pub struct LeanEvent {
    level: Level,
    timestamp: SystemTime,
    message: Option<Box<str>>,
    tags: Pairs,
    trace: Option<Trace>,
    contexts: Vec<LeanContext>,
    constants: Option<Share<Constants>>,
    parts: Box<[Part]>,
}

impl LeanEvent {
    /// Keeps all of `event` but its id.
    pub(crate) fn new(event: Event<'static>, known: &Known) -> Self {
        let Event {
            event_id: _,
            level,
            fingerprint,
            culprit,
            transaction,
            message,
            logentry,
            logger,
            modules,
            platform,
            timestamp,
            server_name,
            release,
            dist,
            environment,
            user,
            request,
            contexts,
            breadcrumbs,
            exception,
            stacktrace,
            template,
            threads,
            tags,
            extra,
            debug_meta,
            sdk,
            meta,
        } = event;
        let mut sharing = known.sharing();
        let mut trace = None;
        // Not shrunk by the one place that the trace leaves.
        let mut others = Vec::with_capacity(contexts.len());
        for named in contexts {
            match Trace::new(named) {
                Ok(ids) => trace = Some(ids),
                Err(named) => others.push(LeanContext::new(named, &mut sharing)),
            }
        }
        let constants = Constants { platform, server_name, release, dist, environment, sdk };
        let constants = (!constants.is_blank()).then(|| sharing.constants(constants));
        let mut parts = Vec::new();
        parts.extend(Part::fingerprint(fingerprint));
        parts.extend(culprit.map(|text| Part::Culprit(text.into())));
        parts.extend(transaction.map(|text| Part::Transaction(text.into())));
        parts.extend(logentry.map(|entry| Part::LogEntry(Box::new(entry))));
        parts.extend(logger.map(|text| Part::Logger(text.into())));
        parts.extend(Part::modules(modules));
        parts.extend(user.map(|user| Part::User(Box::new(user))));
        parts.extend(request.map(|request| Part::Request(Box::new(request))));
        parts.extend(Part::breadcrumbs(breadcrumbs));
        parts.extend(Part::exceptions(exception));
        parts.extend(stacktrace.map(|stacktrace| Part::Stacktrace(Box::new(stacktrace))));
        parts.extend(template.map(|template| Part::Template(Box::new(template))));
        parts.extend(Part::threads(threads));
        parts.extend(Part::extra(extra));
        parts.extend(meta.map(Part::Meta));
        parts.extend(Part::debug_meta(debug_meta, &mut sharing));
        sharing.finish();
        Self {
            level,
            timestamp,
            message: message.map(Into::into),
            tags: tags.into(),
            trace,
            contexts: others,
            constants,
            parts: parts.into(),
        }
    }

    /// The event again, with the id that was kept beside it.
    pub(crate) fn into_event(self, event_id: Uuid) -> Event<'static> {
        let contexts = self.contexts.into_iter().map(LeanContext::into_named);
        let mut event = Event {
            level: self.level,
            message: self.message.map(Into::into),
            tags: self.tags.into(),
            contexts: contexts.chain(self.trace.map(Trace::into_named)).collect(),
            ..Event::blank(event_id, self.timestamp)
        };
        if let Some(constants) = self.constants {
            constants.into_inner().put_into(&mut event);
        }
        self.parts.into_iter().for_each(|part| part.put_into(&mut event));
        event
    }

    /// What it is about.
    #[must_use]
    pub fn gist(&self) -> Gist<'_> {
        let message = self.message.as_deref();
        let blank = Gist { text: message, ..Gist::new(self.level, Event::DEFAULT_FINGERPRINT) };
        self.parts.iter().fold(blank, |gist, part| part.say_in(gist))
    }

    /// The bytes of memory it takes by itself.
    pub(crate) fn size(&self) -> usize {
        let text = self.message.as_ref().map_or(0, |text| chunk(text.len()));
        let contexts: usize = self.contexts.iter().map(LeanContext::size).sum();
        let parts: usize = self.parts.iter().map(Part::size).sum();
        let constants = self.constants.as_ref().map_or(0, |constants| constants.size(Constants::size));
        chunk(size_of::<Self>())
            + text
            + self.tags.size()
            + chunk(self.contexts.capacity() * size_of::<LeanContext>())
            + contexts
            + chunk(size_of_val(&*self.parts))
            + parts
            + constants
    }
}

#[cfg(test)]
mod tests;
