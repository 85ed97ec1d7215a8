//! Which module an address lies in.

use crate::modules::{Module, platform};

/// The modules by address, as of the last refresh.
#[derive(Debug)]
pub(crate) struct ModuleTable {
    /// Sorted by `start`, without overlaps.
    modules: Vec<Module>,
}

impl ModuleTable {
    pub(crate) const fn new() -> Self {
        Self { modules: Vec::new() }
    }

    /// Reads the list anew and tells where modules began that are gone.
    pub(crate) fn refresh(&mut self) -> Vec<usize> {
        self.replace(platform::loaded())
    }

    /// The module an address lies in.
    pub(crate) fn find(&self, address: usize) -> Option<&Module> {
        let after = self.modules.partition_point(|module| module.start <= address);
        let module = self.modules.get(after.checked_sub(1)?)?;
        (address < module.end).then_some(module)
    }

    fn replace(&mut self, mut modules: Vec<Module>) -> Vec<usize> {
        modules.sort_unstable_by_key(|module| module.start);
        let before = std::mem::replace(&mut self.modules, modules);
        before.iter().filter(|module| !self.modules.contains(module)).map(|module| module.start).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(start: usize, end: usize, path: &str) -> Module {
        Module { start, end, bias: start, path: path.into(), file: None, build_id: Box::default() }
    }

    #[test]
    fn addresses_find_their_module() {
        let mut table = ModuleTable::new();
        assert!(table.find(5).is_none());
        assert!(table.replace(vec![module(30, 40, "b"), module(10, 20, "a")]).is_empty());
        for (address, expected) in
            [(9, None), (10, Some("a")), (19, Some("a")), (20, None), (29, None), (39, Some("b")), (40, None)]
        {
            assert_eq!(table.find(address).map(|module| &*module.path), expected, "{address}");
        }
    }

    #[test]
    fn a_module_in_the_place_of_another_one_is_noticed() {
        let mut table = ModuleTable::new();
        table.replace(vec![module(10, 20, "a"), module(30, 40, "b")]);
        assert_eq!(table.replace(vec![module(10, 20, "a"), module(30, 40, "c"), module(50, 60, "d")]), [30]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_test_lies_in_the_executable() {
        let mut table = ModuleTable::new();
        table.refresh();
        let here = (this_test_lies_in_the_executable as fn()) as usize;
        let module = table.find(here).unwrap();
        let exe = std::env::current_exe().unwrap();
        assert_eq!(&*module.path, exe.to_str().unwrap());
        assert_eq!(module.file.as_deref(), Some(&*exe));
        assert!(table.refresh().is_empty());
    }
}
