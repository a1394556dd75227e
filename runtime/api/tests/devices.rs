//! Imports of devices on a disk that fails: what was told is there, and what is there is whole.

use serde_json::json;

use super::{Home, OPERATOR, Told};
use crate::message::Address;
use crate::store::memory::{Fault, MemoryDisk};
use crate::store::writer::Turn;

/// More than two batches.
const DEVICES: usize = 1_200;

fn lines() -> String {
    (0..DEVICES).map(|n| format!("{}\n", json!({ "address": format!("+4670{n:07}"), "tags": ["a"] }))).collect()
}

impl Home {
    /// Whatever the disk does.
    async fn told(&mut self, request: impl Future<Output = Told>) -> Told {
        let mut request = std::pin::pin!(request);
        loop {
            tokio::select! {
                biased;
                told = &mut request => return told,
                () = tokio::task::yield_now() => {}
            }
            while self.writer.step() == Turn::Wrote {}
        }
    }

    /// Rows, rows under the tag, and what the registry knows; each device whole or not there.
    fn devices(&self) -> usize {
        let (mut rows, mut tagged) = (0, 0);
        let registry = self.house.directory().registry().clone();
        let each = |digits: &str, device: crate::device::DeviceRecord| {
            rows += 1;
            let found = registry.find(&Address::Msisdn(digits.into())).expect("in memory as well");
            assert_eq!((&*found.customer, &*found.tags), ("acme", &["a".to_owned()][..]));
            device.device.tags.contains("a")
        };
        self.store.devices("acme", (None, "", None), each).expect("readable");
        let each = |_: &str, _| {
            tagged += 1;
            true
        };
        self.store.devices("acme", (Some("a"), "", None), each).expect("readable");
        assert_eq!((rows, rows), (tagged, registry.len()));
        rows
    }
}

#[tokio::test]
async fn an_import_that_was_told_is_there_after_a_crash_at_any_sync() {
    let disk = MemoryDisk::new();
    let mut home = Home::on(disk.clone());
    let before = disk.syncs();
    let request = home.request_as("/v1/devices:import?customer=acme", OPERATOR, "application/x-ndjson", lines());
    assert_eq!(home.told(request).await.0, 200);
    let syncs = disk.syncs() - before;
    for at in 1..=syncs {
        for fault in [Fault::LostAtSync(at), Fault::KeptAtSync(at)] {
            let mut home = Home::on(MemoryDisk::new());
            home.disk.inject(fault);
            let import = |home: &Home| {
                home.request_as("/v1/devices:import?customer=acme", OPERATOR, "application/x-ndjson", lines())
            };
            let request = import(&home);
            let (status, report) = home.told(request).await;
            let mut home = home.crash();
            let there = home.devices();
            match status {
                200 => assert_eq!((there, &report["created"]), (DEVICES, &json!(DEVICES)), "{fault:?}"),
                503 => assert!(there <= DEVICES, "{fault:?}"),
                other => panic!("{other}: {report}"),
            }
            let request = import(&home);
            let (status, report) = home.told(request).await;
            assert_eq!((status, &report["unchanged"]), (200, &json!(there)), "{fault:?}");
            assert_eq!(home.devices(), DEVICES);
        }
    }
}
