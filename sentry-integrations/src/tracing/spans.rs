//! From a span of `tracing` to one of ours.

use std::sync::Arc;

use sentry_core::__spans::{Begins, Begun, Kind, Knows, Notes, Outlook, UnsampledRoot};
use sentry_core::protocol::TraceId;
use sentry_core::{Client, Hub, TransactionOrSpan};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::asked::asks;
use super::content::{self, visited};
use super::fields::Fields;
use super::followed::{Followed, Slot};
use super::home::Home;
use super::label::{Label, with_default_op};
use super::noted::{self, Noted};
use super::transaction;

/// A new span: ours begins with it, if it is sampled.
// Always built into the layer, which has the registers for it.
#[inline(always)]
pub(super) fn begin<S>(home: &Home, attributes: &Attributes<'_>, id: Id, context: Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let slot = Slot::of(&id);
    let metadata = attributes.metadata();
    // Most spans of a service that samples few traces end here.
    if home.sees_all() && !Hub::is_in_any_span() && may_be_left_out(slot, attributes) {
        let kind = Kind::new(metadata, label);
        if Hub::leaves_root_out(id.into_u64(), home.number(), slot.root(), kind) {
            return;
        }
    }
    look(home, attributes, id, context);
}

/// Whether nothing but the hub decides on a new span.
#[inline]
fn may_be_left_out(slot: &Slot, attributes: &Attributes<'_>) -> bool {
    attributes.is_contextual() && !slot.may_be_homeless() && !asks(attributes.metadata())
}

/// Where the spans of a kind are from, and what they are called there.
fn label(metadata: Knows) -> (&'static str, &'static str) {
    let metadata = metadata.downcast_ref::<Metadata<'static>>();
    metadata.map_or(("", ""), |metadata| (metadata.target(), metadata.name()))
}

/// Whether a new span is below one that is known.
fn is_below<S>(home: &Home, id: Id, context: Context<'_, S>) -> bool
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let is_known = || context.span(&id).is_some_and(|span| above(&span, home).is_some());
    context.current_span().id().is_some() && is_known()
}

// What is handed over by value stays out of memory, where it would be written for each span that never comes here.
#[inline(never)]
fn look<S>(home: &Home, attributes: &Attributes<'_>, id: Id, context: Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let slot = Slot::of(&id);
    if attributes.is_contextual() && Hub::is_in_any_span() {
        if Hub::may_be_below_any() {
            let new = New { home, attributes, id: id.clone(), context: context.clone() };
            if new.begins_noted() {
                return;
            }
        }
        if Hub::is_in_unsampled_span() {
            return;
        }
    }
    let mut trace = None;
    if may_be_left_out(slot, attributes) {
        let (key, registry, place) = (id.into_u64(), home.number(), slot.root());
        let begins = Begins { key, registry, place, sees_all: home.sees_all() };
        let kind = Kind::new(attributes.metadata(), label);
        match Hub::begin_root(begins, kind, || is_below(home, id.clone(), context.clone())) {
            Outlook::Nothing | Outlook::Unsampled => return,
            Outlook::Kept(kept) => trace = Some(kept),
            Outlook::Look => {}
        }
    }
    // Another layer of ours may follow it already, or has left it out.
    if root_of(home, &id).is_some() || find(home, &id, &context).is_some() {
        return;
    }
    let new = New { home, attributes, id, context };
    if attributes.is_contextual()
        && trace.is_none()
        && let Some(above) = Hub::recording_span()
    {
        return new.begin_below(&above);
    }
    Hub::with_active_client(|hub, client| new.begin(hub, client, trace));
}

/// A new span that is looked at.
struct New<'a, S> {
    home: &'a Home,
    attributes: &'a Attributes<'a>,
    id: Id,
    context: Context<'a, S>,
}

impl<S> New<'_, S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    /// `trace`: that of a root which is sampled.
    fn begin(&self, hub: &Arc<Hub>, client: Arc<Client>, trace: Option<TraceId>) {
        let above = if self.attributes.is_root() || trace.is_some() { None } else { self.above(hub) };
        match above {
            Some(Around::Span(above)) if above.is_sampled() => self.begin_below(&above),
            Some(_) => {}
            None => {
                if let Some(root) = transaction::begin(hub, client, self.attributes, trace) {
                    self.follow(root);
                }
            }
        }
    }

    /// What it is below.
    fn above(&self, hub: &Arc<Hub>) -> Option<Around> {
        let span = self.context.span(&self.id)?;
        let explicit = if self.attributes.is_contextual() { None } else { above(&span, self.home) };
        // The code is in the contextual parent; the hub knows whether the application has bound another span since.
        explicit.or_else(|| hub.active_span().map(Around::Span)).or_else(|| {
            let above = above(&span, self.home);
            above.filter(|above| !above.is_sampled())
        })
    }

    fn begin_below(&self, above: &TransactionOrSpan) {
        let metadata = self.attributes.metadata();
        let fields = visited(self.attributes);
        let child: TransactionOrSpan = if fields.is_dotted {
            let label = Label::new(metadata, &fields);
            above.start_child_knowing(&label.op, &label.name, &fields.values).into()
        } else {
            let begin = |op: &str| above.start_child_knowing(op, metadata.name(), &fields.values);
            with_default_op(metadata, begin).into()
        };
        content::fill(&child, metadata, fields);
        self.follow(child);
    }

    /// The same below the span that was entered last, for one that says nothing but its fields. `false`: it takes a closer look.
    #[inline(never)]
    fn begins_noted(&self) -> bool {
        let metadata = self.attributes.metadata();
        // Another layer of ours may follow it already.
        if Slot::of(&self.id).may_know(&self.id, self.home.number()) || !noted::is_plain(metadata) {
            return false;
        }
        let Some(above) = Hub::above_here() else { return false };
        let (target, name, constants) = (metadata.target(), metadata.name(), content::constants(metadata));
        let note = |notes: &mut Notes| self.attributes.record(&mut Noted(notes));
        let place = Slot::of(&self.id).ours();
        let begun = Begun { target, name, constants };
        if let Some(homeless) = place.begin(self.home.who(&self.id), above, begun, note) {
            self.follow_by_registry(homeless);
        }
        true
    }

    fn follow(&self, ours: TransactionOrSpan) {
        if let Some(homeless) = Slot::of(&self.id).ours().keep(self.home.who(&self.id), ours) {
            self.follow_by_registry(homeless);
        }
    }

    #[cold]
    fn follow_by_registry(&self, ours: TransactionOrSpan) {
        if let Some(span) = self.context.span(&self.id) {
            span.extensions_mut().insert(Slot::of(&self.id).homeless(ours));
        }
    }
}

/// What a span is below.
enum Around {
    Span(Arc<TransactionOrSpan>),
    /// A root that is not recorded.
    Unsampled,
}

impl Around {
    fn is_sampled(&self) -> bool {
        match self {
            Self::Span(span) => span.is_sampled(),
            Self::Unsampled => false,
        }
    }
}

/// The closest one above `span` that is known.
fn above<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, home: &Home) -> Option<Around> {
    std::iter::successors(span.parent(), SpanRef::parent).find_map(|above| {
        let id = above.id();
        if root_of(home, &id).is_some() {
            return Some(Around::Unsampled);
        }
        let placed = Slot::of(&id).ours().span(home.who(&id));
        placed.or_else(|| followed(&above)).map(Around::Span)
    })
}

/// Fields that are recorded later.
pub(super) fn record<S>(home: &Home, id: &Id, values: &Record<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let (place, who) = (Slot::of(id).ours(), home.who(id));
    if place.is_taken_by(who) {
        if !place.is_sampled() {
            return;
        }
        if let Some(metadata) = context.metadata(id).filter(|metadata| noted::is_plain(metadata)) {
            let mut notes = Notes::default();
            values.record(&mut Noted(&mut notes));
            place.add_notes(who, content::constants(metadata), &notes);
            return;
        }
    }
    let Some(ours) = find(home, id, context).filter(|ours| ours.is_sampled()) else { return };
    let mut fields = Fields::default();
    values.record(&mut fields);
    if let Some(metadata) = context.metadata(id) {
        content::rename(&ours, metadata, &fields);
    }
    content::add(&ours, fields);
}

/// The code of this thread is in the span.
#[inline]
pub(super) fn enter<S>(home: &Home, id: &Id, context: Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if !Hub::enter_last_root(id.into_u64(), home.number()) {
        enter_any(home, id.clone(), context);
    }
}

#[inline(never)]
fn enter_any<S>(home: &Home, id: Id, context: Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let (slot, key) = (Slot::of(&id), id.into_u64());
    if slot.ours().is_taken_by(home.who(&id)) {
        Hub::enter_placed(home.who(&id), slot.ours());
    } else if let Some(root) = root_of(home, &id) {
        Hub::enter_root(key, root);
    } else if slot.may_be_homeless()
        && let Some(ours) = homeless(&id, &context)
    {
        Hub::enter_span(key, &ours);
    } else {
        Hub::enter_unknown();
    }
}

/// It has left it.
#[inline]
pub(super) fn exit(id: &Id) {
    Hub::exit_span(id.into_u64());
}

/// The span is over.
#[inline]
pub(super) fn end<S>(home: &Home, id: Id, context: Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let slot = Slot::of(&id);
    if let Some(root) = root_of(home, &id) {
        root.leave();
    } else if slot.ours().is_taken_by(home.who(&id)) {
        slot.ours().finish(home.who(&id));
    } else if slot.may_be_homeless() {
        finish(id, context);
    }
}

#[inline(never)]
fn finish<S>(id: Id, context: Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let followed = context.span(&id).and_then(|span| span.extensions_mut().remove::<Followed>());
    if let Some(Followed { ours, .. }) = followed {
        // To be the only one who has it makes it easier.
        Arc::unwrap_or_clone(ours).finish();
    }
}

/// The place of the span, if it is a root that is not recorded.
#[inline]
fn root_of(home: &Home, id: &Id) -> Option<&'static UnsampledRoot> {
    let root = Slot::of(id).root();
    root.is_taken_by(id.into_u64(), home.number()).then_some(root)
}

/// Ours for the span with this id.
#[inline]
fn find<S>(home: &Home, id: &Id, context: &Context<'_, S>) -> Option<Arc<TransactionOrSpan>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let slot = Slot::of(id);
    if slot.ours().is_taken_by(home.who(id)) {
        return slot.ours().span(home.who(id));
    }
    if slot.may_be_homeless() { homeless(id, context) } else { None }
}

/// The same, where the registry keeps it.
fn homeless<S>(id: &Id, context: &Context<'_, S>) -> Option<Arc<TransactionOrSpan>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    followed(&context.span(id)?)
}

fn followed<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<Arc<TransactionOrSpan>> {
    span.extensions().get::<Followed>().map(|followed| Arc::clone(&followed.ours))
}
