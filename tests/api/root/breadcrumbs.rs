//! What can be handed to `add_breadcrumb`.

use sentry::{Breadcrumb, IntoBreadcrumbs};

implements!(Breadcrumb: IntoBreadcrumbs);
implements!(Option<Breadcrumb>: IntoBreadcrumbs);
implements!(Vec<Breadcrumb>: IntoBreadcrumbs);
implements!(fn() -> Breadcrumb: IntoBreadcrumbs);
implements!(fn() -> Vec<Breadcrumb>: IntoBreadcrumbs);

/// A trait that applications may implement for types of their own.
struct Click(&'static str);

impl IntoBreadcrumbs for Click {
    type Output = std::iter::Once<Breadcrumb>;

    fn into_breadcrumbs(self) -> Self::Output {
        std::iter::once(Breadcrumb { message: Some(self.0.to_owned()), ..Breadcrumb::default() })
    }
}

fn messages<B: IntoBreadcrumbs>(breadcrumbs: B) -> Vec<String> {
    let breadcrumbs: <B as IntoBreadcrumbs>::Output = IntoBreadcrumbs::into_breadcrumbs(breadcrumbs);
    breadcrumbs.filter_map(|breadcrumb| breadcrumb.message).collect()
}

#[test]
fn everything_becomes_breadcrumbs() {
    let one = Breadcrumb { message: Some("one".to_owned()), ..Default::default() };
    assert_eq!(messages(one.clone()), ["one"]);
    assert_eq!(messages(vec![one.clone(), one.clone()]), ["one", "one"]);
    assert_eq!(messages(None::<Breadcrumb>), [""; 0]);
    assert_eq!(messages(move || Some(one)), ["one"]);
    assert_eq!(messages(Click("button")), ["button"]);
}
