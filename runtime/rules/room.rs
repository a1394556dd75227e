//! Whether the kernel lets this process have so many components: each is a file that stays open, and some mappings of memory.
//!
//! [`Room::lacks`] is pure; whoever loads rules says it in the log, before the kernel refuses one of them in words that tell nobody
//! what to do.

use std::collections::HashSet;

use rustix::process::{Resource, getrlimit};

use crate::config;

/// Mappings of a component: of its file, of the code in it, which may be run, and of what is behind it.
const MAPS_EACH: u64 = 3;
/// Mappings of all else: the program, threads, the store, and the pool of instances.
const MAPS_BESIDE: u64 = 4_000;
/// Descriptors of all else but links: the store, the API, HTTP calls.
const FILES_BESIDE: u64 = 1_000;

/// What this process may have; None: as much as it likes, or nobody knows.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    files: Option<u64>,
    maps: Option<u64>,
}

impl Room {
    pub fn now() -> Room {
        let maps = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok();
        Room { files: getrlimit(Resource::Nofile).current, maps: maps.and_then(|count| count.trim().parse().ok()) }
    }

    /// What has to be raised for so many components and links, and to what.
    pub fn lacks(self, components: usize, links: usize) -> Vec<String> {
        let (components, links) = (components as u64, links as u64);
        let (files, maps) = (components + links + FILES_BESIDE, components * MAPS_EACH + MAPS_BESIDE);
        let mut lacks = Vec::new();
        if let Some(limit) = self.files.filter(|limit| *limit < files) {
            lacks.push(format!(
                "{components} components and {links} links need {files} file descriptors, and this process may have {limit}: \
                 set LimitNOFILE={files} in the unit, or ulimit -n {files} before it starts"
            ));
        }
        if let Some(limit) = self.maps.filter(|limit| *limit < maps) {
            lacks.push(format!(
                "{components} components need {maps} memory maps, and this kernel gives a process {limit}: \
                 sysctl -w vm.max_map_count={maps}, and the same in /etc/sysctl.d/"
            ));
        }
        lacks
    }
}

/// Components that these rules need: rules with the same one share it.
pub fn distinct<'r>(rules: impl Iterator<Item = &'r config::Rule>) -> usize {
    rules.map(|rule| (rule.component.as_deref(), rule.plugin.as_deref())).collect::<HashSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_small_is_named_with_the_value_that_it_needs() {
        let usual = Room { files: Some(1_024), maps: Some(65_530) };
        assert_eq!(usual.lacks(0, 24), Vec::<String>::new());
        let lacks = usual.lacks(30_000, 100);
        assert!(lacks[0].contains("LimitNOFILE=31100"), "{lacks:?}");
        assert!(lacks[1].contains("vm.max_map_count=94000"), "{lacks:?}");
        let lacks = Room { files: Some(65_536), maps: Some(65_530) }.lacks(10_000, 1_000);
        assert!(lacks.is_empty(), "what a unit of docs/OPERATIONS.md has is enough: {lacks:?}");
        assert!(Room { files: None, maps: None }.lacks(1_000_000, 0).is_empty());
    }

    #[test]
    fn rules_that_share_a_component_need_it_once() {
        let of = |plugin: &str| config::Rule { plugin: Some(plugin.into()), ..config::Rule::trial(1, 1) };
        assert_eq!(distinct([of("a@1"), of("a@1"), of("b@1")].iter()), 2);
    }
}
