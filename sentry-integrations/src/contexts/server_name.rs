//! The name of the host.

pub(super) fn read() -> Option<String> {
    let from_kernel = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .map(|text| text.trim().to_owned());
    from_kernel.or_else(sentry_core::options::host_name).filter(|name| !name.is_empty())
}
