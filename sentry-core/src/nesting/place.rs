//! Where in an item something stands, kept on the stack: it costs nothing until something is taken off.

/// The steps from the root of an item.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    parent: Option<&'a Self>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Index(usize),
    Name(&'a str),
    Root,
}

impl<'a> Place<'a> {
    pub(super) const ROOT: Place<'static> = Place { parent: None, step: Step::Root };

    pub(super) fn name(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Name(name) }
    }

    pub(super) fn index(&'a self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }

    /// The steps as names, from the root.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = self.parent.map(Self::names).unwrap_or_default();
        match self.step {
            Step::Index(index) => names.push(index.to_string()),
            Step::Name(name) => names.push(name.to_owned()),
            Step::Root => {}
        }
        names
    }
}
