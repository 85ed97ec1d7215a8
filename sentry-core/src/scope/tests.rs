use super::*;
use crate::breadcrumbs::{Kept, Ring};
use crate::protocol::{Breadcrumb, PutAway, Stored};

fn applied(scope: &Scope) -> Event<'static> {
    scope.apply_to_event(Event::default()).unwrap()
}

fn add_breadcrumb(scope: &mut Scope, crumb: Breadcrumb, max: usize) {
    let mut fresh = Fresh::default();
    fresh.push(&mut Some(Kept::Whole(crumb)), max);
    scope.take_breadcrumbs(&mut fresh);
}

#[test]
fn tags_that_come_and_go_leave_nothing_behind() {
    let mut scope = Scope::default();
    let mut snapshots = Vec::new();
    for n in 0..1_000 {
        let key = n.to_string();
        scope.set_tag(&key, n);
        snapshots.push(scope.snapshot());
        scope.remove_tag(&key);
        scope.remove_extra(&key);
    }
    let tags = &scope.layer.as_ref().unwrap().tags;
    assert!((0..968).all(|n| tags.entry(&n.to_string()) == map::Entry::Absent));
    assert!(format!("{tags:?}").len() < 20_000, "{tags:?}");
    assert!(applied(&scope).tags.is_empty());
}

#[test]
fn a_removed_tag_hides_what_lies_below_until_it_is_set_again() {
    let mut base = Scope::default();
    base.set_tag("a", 1);
    base.set_tag("b", 1);
    let mut pushed = base.child();
    pushed.remove_tag("a");
    pushed.set_tag("c", 1);
    pushed.remove_tag("c");
    assert_eq!(applied(&pushed).tags.keys().collect::<Vec<_>>(), ["b"]);
    pushed.set_tag("a", 2);
    assert_eq!(applied(&pushed).tags["a"], "2");
}

#[test]
fn clearing_hides_everything_and_begins_a_new_trace() {
    let mut base = Scope::default();
    base.ensure_propagation_context();
    base.set_tag("a", 1);
    base.set_level(Some(Level::Fatal));
    base.set_user(Some(User::default()));
    base.set_transaction(Some("name"));
    base.set_fingerprint(Some(&["group"]));
    base.add_attachment(Attachment::default());
    add_breadcrumb(&mut base, Breadcrumb::default(), 100);
    base.add_event_processor(|_| None);
    let trace = |scope: &Scope| scope.snapshot().propagation_context().unwrap().trace_id();
    let mut cleared = base.child();
    cleared.clear();
    assert_ne!(trace(&cleared), trace(&base));
    let event = applied(&cleared);
    assert_eq!(event.level, Level::Error);
    assert_eq!((event.user, event.transaction, event.tags.len()), (None, None, 0));
    assert!(event.breadcrumbs.is_empty() && cleared.snapshot().attachments().is_empty());
    assert_eq!(event.fingerprint, Event::default().fingerprint);
}

#[test]
fn applied_by_hand_a_scope_shows_no_more_breadcrumbs_than_it_keeps() {
    let mut scope = Scope::default();
    let mut snapshots = Vec::new();
    for n in 0..50 {
        let crumb = Breadcrumb { message: Some(n.to_string()), ..Default::default() };
        add_breadcrumb(&mut scope, crumb, 10);
        snapshots.push(scope.snapshot());
    }
    let crumbs = applied(&scope).breadcrumbs;
    assert_eq!(crumbs.len(), 10);
    assert_eq!(crumbs[9].message.as_deref(), Some("49"));
}

#[test]
fn adding_an_attachment_copies_no_other() {
    let mut scope = Scope::default();
    scope.add_attachment(Attachment { buffer: vec![0; 1_000], ..Default::default() });
    let before = scope.snapshot();
    scope.add_attachment(Attachment::default());
    let after = scope.snapshot();
    let first =
        |snapshot: &ScopeSnapshot| std::ptr::from_ref(&**snapshot.shared_attachments().next().unwrap());
    assert_eq!(first(&before), first(&after));
}

#[test]
fn what_is_put_away_leaves_the_scope_and_what_a_layer_hides_alone() {
    #[derive(Debug)]
    struct Elsewhere;

    impl Stored for Elsewhere {
        fn length(&self) -> u64 {
            7
        }

        fn read_at(&self, _: u64, _: &mut [u8]) -> std::io::Result<usize> {
            Ok(0)
        }
    }

    let file = |name: &str| Attachment { filename: name.to_owned(), ..Default::default() };
    let mut scope = Scope::default();
    scope.add_attachment(file("hidden"));
    scope.clear_attachments();
    scope.add_attachment(file("kept"));
    scope.add_attachment(file("given up"));
    scope.add_attachment_to_transactions(file("moved"));
    let put = |attachment: &Arc<Attachment>| match attachment.filename.as_str() {
        "kept" => PutAway::Kept,
        "moved" => PutAway::Moved(Arc::new(Elsewhere)),
        _ => PutAway::GivenUp,
    };
    let names = |snapshot: &ScopeSnapshot| -> (Vec<String>, Vec<String>) {
        let memory = snapshot.shared_attachments().map(|attachment| attachment.filename.clone());
        (memory.collect(), snapshot.stored().iter().map(|stored| stored.filename.clone()).collect())
    };
    let mut of_event = scope.snapshot();
    of_event.put_away(false, put);
    assert_eq!(names(&of_event), (vec!["kept".to_owned()], vec!["moved".to_owned()]));
    let mut of_transaction = scope.snapshot();
    of_transaction.put_away(true, put);
    assert_eq!(names(&of_transaction), (vec![], vec!["moved".to_owned()]));
    assert_eq!(scope.snapshot().attachments().len(), 3);
}

#[test]
fn replay_keeps_lists_of_both_and_sees_that_one_was_emptied() {
    let file = |name: &str| Attachment { filename: name.to_owned(), ..Default::default() };
    let names = |scope: &Scope| -> Vec<String> {
        scope.snapshot().attachments().into_iter().map(|attachment| attachment.filename).collect()
    };
    let mut base = Scope::default();
    base.add_attachment(file("a"));
    let (mut mine, mut theirs) = (base.clone(), base.clone());
    mine.add_attachment(file("mine"));
    theirs.add_attachment(file("theirs"));
    theirs.replay(&base, mine);
    assert_eq!(names(&theirs), ["a", "theirs", "mine"]);

    let mut mine = base.clone();
    mine.clear_attachments();
    mine.clear_breadcrumbs();
    theirs.replay(&base, mine);
    assert!(names(&theirs).is_empty());
    assert!(theirs.layer.unwrap().breadcrumbs_opaque);
    assert!(Ring::default().same_as(&Ring::default()));
}
