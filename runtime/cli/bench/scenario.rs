//! Which rows the table has.

/// What is left out of the server, so that its cost shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// As deployed: the rule in its sandbox, every acknowledgement synced.
    Full,
    /// The rule as a native function.
    NativeRule,
    /// Nothing is synced.
    SyncOff,
}

impl Variant {
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "wasm/synced",
            Self::NativeRule => "native/synced",
            Self::SyncOff => "wasm/sync-off",
        }
    }

    /// Only a binary with the feature `bench` honours these.
    pub fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Full => &[],
            Self::NativeRule => &[("WASMSC_BENCH_NATIVE_RULE", "1")],
            Self::SyncOff => &[("WASMSC_BENCH_SYNC", "off")],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scenario {
    pub variant: Variant,
    pub binds: usize,
    /// submit_sm outstanding on each bind, and deliver_sm likewise.
    pub window: usize,
    /// Messages per second; 0 = as many as go.
    pub rate: f64,
}

impl Scenario {
    /// What `--scenario` is compared with, such as `wasm/synced/4x64`.
    pub fn name(&self) -> String {
        let Self { variant, binds, window, rate } = self;
        let pace = if *rate > 0.0 { format!("@{rate}") } else { String::new() };
        format!("{}/{binds}x{window}{pace}", variant.name())
    }

    /// MOs that may be under way from submit_sm to MT. Twice the window, as a message is acknowledged
    /// about half-way: the window stays full, and no backlog grows that would be all the latency shows.
    pub fn in_flight_max(&self) -> usize {
        2 * self.window * self.binds
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breadth {
    Quick,
    All,
}

/// The rate at which latency is judged.
pub const PACED_RATE: f64 = 1_000.0;

/// The rows in the order of the table; `filter` keeps those whose name contains it.
pub fn scenarios(breadth: Breadth, filter: Option<&str>) -> Vec<Scenario> {
    let windows: &[usize] = match breadth {
        Breadth::Quick => &[1, 64],
        Breadth::All => &[1, 16, 64, 256],
    };
    let mut rows = vec![Scenario { variant: Variant::Full, binds: 1, window: 64, rate: PACED_RATE }];
    for variant in [Variant::Full, Variant::NativeRule, Variant::SyncOff] {
        for binds in [1, 4] {
            rows.extend(windows.iter().map(|&window| Scenario { variant, binds, window, rate: 0.0 }));
        }
    }
    rows.retain(|row| filter.is_none_or(|filter| row.name().contains(filter)));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_has_the_rows_of_the_issue_and_the_filter_narrows_it() {
        assert_eq!(scenarios(Breadth::All, None).len(), 1 + 3 * 2 * 4);
        let names: Vec<_> = scenarios(Breadth::Quick, Some("native")).iter().map(Scenario::name).collect();
        let expected = ["native/synced/1x1", "native/synced/1x64", "native/synced/4x1", "native/synced/4x64"];
        assert_eq!(names, expected);
        assert_eq!(scenarios(Breadth::All, Some("@1000")).len(), 1);
    }
}
