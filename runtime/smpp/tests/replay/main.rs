//! The fuzz targets of `tests/fuzz`, on their seeds and on random octets: no nightly compiler needed.

#[path = "../../../../tests/fuzz/src/lib.rs"]
mod checks;

use std::fs;
use std::path::Path;

use proptest::prelude::*;

/// Every file of a target's corpus.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let read = |path: &Path| (path.display().to_string(), fs::read(path).expect("readable"));
    files.map(|file| read(&file.expect("readable").path())).collect()
}

#[test]
fn every_seed_keeps_every_promise() {
    for (target, check) in checks::TARGETS {
        let seeds = seeds(target);
        assert!(!seeds.is_empty(), "{target} has no seeds");
        for (file, octets) in seeds {
            println!("{file}");
            check(&octets);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn random_octets_keep_every_promise(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        for (_, check) in checks::TARGETS {
            check(&octets);
        }
    }

    /// Random octets seldom leave the first PDU; changed seeds do.
    #[test]
    fn changed_seeds_keep_every_promise(changes in prop::collection::vec(any::<(u16, u8)>(), 1..8)) {
        for (target, check) in checks::TARGETS {
            for (_, mut octets) in seeds(target) {
                for (at, octet) in &changes {
                    let at = usize::from(*at) % octets.len().max(1);
                    if let Some(slot) = octets.get_mut(at) {
                        *slot = *octet;
                    }
                }
                check(&octets);
            }
        }
    }
}
