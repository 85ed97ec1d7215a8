//! What machine, system, compiler, place and program an event comes from.
//!
//! Everything but the use of memory is read once, where the first event is completed, which is normally the worker thread.
//! The use of memory is read once a second at most. Nothing is asked over the network.

mod app;
mod cloud;
mod culture;
mod device;
mod memory;
mod modules;
mod os;
mod runtime;
mod server_name;
pub mod utils;

use std::sync::OnceLock;

use sentry_core::protocol::{Context, Event, LogAttribute, Map};
use sentry_core::{ClientOptions, Integration, process};

use self::memory::Memory;
pub use self::modules::ModulesIntegration;

/// Adds the contexts `os`, `device`, `rust`, `app`, `culture` and `cloud_resource`, and the server name.
///
/// What an event has already stays as it is.
#[derive(Debug)]
pub struct ContextIntegration {
    add_os: bool,
    add_rust: bool,
    add_device: bool,
    add_app: bool,
    add_culture: bool,
    add_cloud_resource: bool,
    add_memory: bool,
    memory: Memory,
    contexts: OnceLock<Map<String, Context>>,
    server_name: OnceLock<Option<String>>,
}

impl Default for ContextIntegration {
    fn default() -> Self {
        Self {
            add_os: true,
            add_rust: true,
            add_device: true,
            add_app: true,
            add_culture: true,
            add_cloud_resource: true,
            add_memory: true,
            memory: Memory::default(),
            contexts: OnceLock::new(),
            server_name: OnceLock::new(),
        }
    }
}

impl ContextIntegration {
    /// All contexts on.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether to add the operating system.
    #[must_use]
    pub fn add_os(mut self, add_os: bool) -> Self {
        self.add_os = add_os;
        self
    }

    /// Whether to add the compiler.
    #[must_use]
    pub fn add_rust(mut self, add_rust: bool) -> Self {
        self.add_rust = add_rust;
        self
    }

    /// Whether to add the machine.
    #[must_use]
    pub fn add_device(mut self, add_device: bool) -> Self {
        self.add_device = add_device;
        self
    }

    /// Whether to add the program: its name and when it was started.
    #[must_use]
    pub fn add_app(mut self, add_app: bool) -> Self {
        self.add_app = add_app;
        self
    }

    /// Whether to add the locale and the time zone of the program.
    #[must_use]
    pub fn add_culture(mut self, add_culture: bool) -> Self {
        self.add_culture = add_culture;
        self
    }

    /// Whether to add the cloud that the program runs in, as far as the environment variables tell.
    #[must_use]
    pub fn add_cloud_resource(mut self, add_cloud_resource: bool) -> Self {
        self.add_cloud_resource = add_cloud_resource;
        self
    }

    /// Whether to add how much memory the program uses, to `app`, and how much is free, to `device`. Linux only.
    #[must_use]
    pub fn add_memory(mut self, add_memory: bool) -> Self {
        self.add_memory = add_memory;
        self
    }

    /// The name of the host, where the application has not said another one and wants it to be told.
    fn server_name(&self, options: &ClientOptions) -> Option<String> {
        let is_wanted = options.server_name.is_none() && options.collects_server_name();
        is_wanted.then(|| once(&self.server_name, utils::server_name).clone()).flatten()
    }

    fn contexts(&self) -> &Map<String, Context> {
        once(&self.contexts, || self.read())
    }

    fn read(&self) -> Map<String, Context> {
        let mut contexts = Map::new();
        if self.add_os
            && let Some(os) = utils::os_context()
        {
            contexts.insert("os".to_owned(), os);
        }
        if self.add_rust {
            contexts.insert("rust".to_owned(), utils::rust_context());
        }
        if self.add_device {
            contexts.insert("device".to_owned(), utils::device_context());
        }
        if self.add_app
            && let Some(app) = app::context()
        {
            contexts.insert("app".to_owned(), app);
        }
        if self.add_culture
            && let Some(culture) = culture::context()
        {
            contexts.insert("culture".to_owned(), culture);
        }
        if self.add_cloud_resource
            && let Some(cloud) = cloud::context()
        {
            contexts.insert("cloud_resource".to_owned(), cloud);
        }
        contexts
    }
}

/// Fills `cell` with what `read` returns, unless it is full. A process that is forked while `read` runs goes on with an
/// empty cell: one that is being filled would stay so, and whoever asks it would wait for ever.
fn once<T>(cell: &OnceLock<T>, read: impl FnOnce() -> T) -> &T {
    if let Some(value) = cell.get() {
        return value;
    }
    let value = read();
    process::without_fork(|| cell.get_or_init(|| value))
}

impl Integration for ContextIntegration {
    fn name(&self) -> &'static str {
        "contexts"
    }

    fn setup(&self, _options: &mut ClientOptions) {
        app::started();
    }

    fn enrich(&self, event: &mut Event<'static>, options: &ClientOptions) {
        for (key, context) in self.contexts() {
            if !event.contexts.contains_key(key) {
                let context = if self.add_memory { self.memory.add_to(context) } else { context.clone() };
                event.contexts.insert(key.clone(), context);
            }
        }
        if event.server_name.is_none() {
            event.server_name = self.server_name(options).map(Into::into);
        }
    }

    fn log_attributes(&self, options: &ClientOptions) -> Vec<(&'static str, LogAttribute)> {
        let attribute = |value: &Option<String>| LogAttribute(value.clone().into());
        let mut attributes = Vec::new();
        if let Some(name) = self.server_name(options) {
            attributes.push(("server.address", LogAttribute(name.into())));
        }
        if let Some(Context::Os(os)) = self.contexts().get("os") {
            attributes.extend([("os.name", attribute(&os.name)), ("os.version", attribute(&os.version))]);
        }
        attributes
    }

    fn processes_events(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_event_has_stays() {
        let mut event = Event::default();
        event.contexts.insert("os".to_owned(), Context::Other(Map::new()));
        event.server_name = Some("mine".into());
        ContextIntegration::new().enrich(&mut event, &ClientOptions::default());
        assert_eq!(event.contexts["os"], Context::Other(Map::new()));
        assert_eq!(event.server_name.as_deref(), Some("mine"));
        assert!(event.contexts.contains_key("rust") && event.contexts.contains_key("device"));
    }

    #[test]
    fn the_name_of_the_host_can_be_withheld() {
        use sentry_core::options::DataCollection;

        let integration = ContextIntegration::new();
        let name_under = |options: ClientOptions| {
            let mut event = Event::default();
            integration.enrich(&mut event, &options);
            event.server_name
        };
        let named = name_under(ClientOptions::default());
        assert_eq!(named.as_deref(), utils::server_name().as_deref());
        let withheld = DataCollection { server_name: false, ..DataCollection::default() };
        assert_eq!(name_under(ClientOptions::default().data_collection(withheld)), None);
    }

    #[test]
    fn contexts_can_be_switched_off_one_by_one() {
        let mut event = Event::default();
        let integration = ContextIntegration::new()
            .add_os(false)
            .add_rust(false)
            .add_device(false)
            .add_app(false)
            .add_culture(false)
            .add_cloud_resource(false);
        integration.enrich(&mut event, &ClientOptions::default());
        assert!(event.contexts.is_empty());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_names_its_distribution_and_kernel() {
        let Some(Context::Os(os)) = utils::os_context() else { panic!("an os context") };
        assert!(os.name.is_some_and(|name| !name.is_empty()));
        assert!(os.kernel_version.is_some_and(|version| version.contains('.')));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_is_told_unless_it_is_switched_off() {
        let told = |integration: ContextIntegration| {
            let mut event = Event::default();
            integration.enrich(&mut event, &ClientOptions::default());
            let (Context::Device(device), Context::App(app)) =
                (&event.contexts["device"], &event.contexts["app"])
            else {
                panic!("typed contexts")
            };
            (device.free_memory, device.memory_size, app.other.get("app_memory").cloned())
        };
        let (free, size, used) = told(ContextIntegration::new());
        assert!(free.unwrap() > 0 && free <= size);
        assert!(used.unwrap().as_u64().unwrap() > 0);
        assert!(matches!(told(ContextIntegration::new().add_memory(false)), (None, Some(_), None)));
    }
}
