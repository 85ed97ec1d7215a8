//! Breadcrumbs of a scope, and what can be added as such.
//!
//! ```text
//! add_breadcrumb ─► Fresh, in the hub: an ordinary ring       nothing is shared, nobody else sees it
//!                     │ somebody looks at the scope
//!                     ▼
//!                   Ring, in the scope: chunks that snapshots share
//! ```

mod brief;
mod fresh;
mod kept;
mod ring;

#[doc(hidden)]
pub use self::brief::{Brief, Scalar};
pub(crate) use self::fresh::Fresh;
pub(crate) use self::kept::Kept;
pub(crate) use self::ring::Ring;
use crate::protocol::Breadcrumb;

/// What can be added as breadcrumbs: one, several, none, or a closure that makes them only when they are wanted.
pub trait IntoBreadcrumbs {
    /// The iterator over the breadcrumbs.
    type Output: Iterator<Item = Breadcrumb>;

    /// Turns the value into its breadcrumbs.
    fn into_breadcrumbs(self) -> Self::Output;

    /// The breadcrumb, if the value is one already: then no code of the user's is left to run, and adding it takes one
    /// lock instead of two.
    #[doc(hidden)]
    fn ready(self) -> Result<Breadcrumb, Self>
    where
        Self: Sized,
    {
        Err(self)
    }
}

impl IntoBreadcrumbs for Breadcrumb {
    type Output = std::iter::Once<Self>;

    fn into_breadcrumbs(self) -> Self::Output {
        std::iter::once(self)
    }

    fn ready(self) -> Result<Breadcrumb, Self> {
        Ok(self)
    }
}

impl IntoBreadcrumbs for Vec<Breadcrumb> {
    type Output = std::vec::IntoIter<Breadcrumb>;

    fn into_breadcrumbs(self) -> Self::Output {
        self.into_iter()
    }
}

impl IntoBreadcrumbs for Option<Breadcrumb> {
    type Output = std::option::IntoIter<Breadcrumb>;

    fn into_breadcrumbs(self) -> Self::Output {
        self.into_iter()
    }
}

impl<F: FnOnce() -> I, I: IntoBreadcrumbs> IntoBreadcrumbs for F {
    type Output = I::Output;

    fn into_breadcrumbs(self) -> Self::Output {
        self().into_breadcrumbs()
    }
}
