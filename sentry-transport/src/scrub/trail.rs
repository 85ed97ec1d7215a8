//! Where in an item something stands, kept on the stack: it costs nothing until there is something to remark.

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
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = self.parent.map(Self::names).unwrap_or_default();
        match self.step {
            Step::Index(index) => names.push(index.to_string()),
            Step::Name(name) => names.push(name.to_owned()),
            Step::Root => {}
        }
        names
    }
}
