//! What a process used, as Linux tells it in /proc.

use std::fs;
use std::io;

/// `utime` and `stime` count in USER_HZ, which is 100 on every Linux that Rust's tier 1 runs on.
const TICKS_PER_SEC: f64 = 100.0;

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    pub cpu_secs: f64,
    pub rss_kib: u64,
    pub rss_peak_kib: u64,
    /// Of `rss_kib`, what files have and the kernel may take back at any time.
    pub rss_file_kib: u64,
    /// Octets that reached the storage layer; 0 on tmpfs.
    pub written_octets: u64,
    /// Open file descriptors.
    pub descriptors: usize,
}

impl Usage {
    pub fn of(pid: u32) -> io::Result<Self> {
        let read = |file| fs::read_to_string(format!("/proc/{pid}/{file}"));
        let status = read("status")?;
        Ok(Self {
            cpu_secs: cpu_secs(&read("stat")?),
            rss_kib: field(&status, "VmRSS:"),
            rss_peak_kib: field(&status, "VmHWM:"),
            rss_file_kib: field(&status, "RssFile:"),
            written_octets: field(&read("io")?, "write_bytes:"),
            descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
        })
    }
}

impl Usage {
    pub fn rss_mib(&self) -> f64 {
        self.rss_kib as f64 / 1024.0
    }

    pub fn rss_peak_mib(&self) -> f64 {
        self.rss_peak_kib as f64 / 1024.0
    }
}

/// Mappings of its memory, of which `vm.max_map_count` bounds the number.
pub fn maps(pid: u32) -> io::Result<usize> {
    Ok(fs::read_to_string(format!("/proc/{pid}/maps"))?.lines().count())
}

fn cpu_secs(stat: &str) -> f64 {
    // The name in parentheses may hold spaces. Behind it the first field is the third of proc(5).
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = behind_name.split_ascii_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SEC
}

fn field(text: &str, key: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(key));
    value.and_then(|value| value.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The machine, in one line, for the head of a table.
pub fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} x {model}, Linux {}", kernel.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_behind_a_name_with_spaces_and_parentheses() {
        let stat = "77 (a) b (c) S 1 77 77 0 -1 4194304 100 0 0 0 250 50 9 9 20 0 4 0 100 1 2";
        assert_eq!(cpu_secs(stat), 3.0);
    }

    #[test]
    fn our_own_usage_is_there() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.rss_kib > 100 && usage.rss_peak_kib >= usage.rss_kib, "{usage:?}");
        assert!(Usage::of(u32::MAX).is_err());
    }
}
