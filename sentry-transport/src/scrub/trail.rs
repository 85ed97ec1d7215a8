//! Where in an item something stands, kept on the stack: it costs nothing until there is something to remark.

use std::borrow::Cow;

/// One step from a value into its parts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    Index(usize),
    Name(&'a str),
    Root,
}

/// The steps from the root of an item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trail<'a> {
    parent: Option<&'a Self>,
    step: Step<'a>,
}

impl<'a> Trail<'a> {
    pub(crate) const ROOT: Trail<'static> = Trail { parent: None, step: Step::Root };

    pub(crate) fn name(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Name(name) }
    }

    pub(crate) fn index(&'a self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }

    /// The steps as names, from the root.
    pub(crate) fn names(&self) -> Vec<Cow<'a, str>> {
        let (mut names, mut here) = (Vec::with_capacity(8), Some(self));
        while let Some(trail) = here {
            match trail.step {
                Step::Index(index) => names.push(index.to_string().into()),
                Step::Name(name) => names.push(name.into()),
                Step::Root => {}
            }
            here = trail.parent;
        }
        names.reverse();
        names
    }
}
