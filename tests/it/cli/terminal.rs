//! What long work shows: something on a terminal, nothing on a pipe.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::FromRawFd as _;
use std::process::{Command, Stdio};
use std::ptr::null_mut;

use rustix::io::{FdFlags, fcntl_setfd};

/// Our end of a terminal, and the program's.
fn terminal() -> (File, File) {
    let (mut ours, mut theirs) = (-1, -1);
    let mut size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: all that it is given lives on until it returns; it writes to the first two only.
    let opened = unsafe { libc::openpty(&raw mut ours, &raw mut theirs, null_mut(), null_mut(), &raw mut size) };
    assert_eq!(opened, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: both were opened just now, and nobody else has them.
    let (ours, theirs) = unsafe { (File::from_raw_fd(ours), File::from_raw_fd(theirs)) };
    for end in [&ours, &theirs] {
        // Or else programs of other tests would have it open.
        fcntl_setfd(end, FdFlags::CLOEXEC).expect("set");
    }
    (ours, theirs)
}

/// What it writes to the terminal until it has closed it.
fn written(mut ours: File) -> String {
    let mut all = Vec::new();
    // The end is an error here: nobody has the other end open any more.
    let _ = ours.read_to_end(&mut all);
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn long_work_is_shown_on_a_terminal_and_not_on_a_pipe() {
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let config = home.path().join("wasmsc.toml");
    let text = "data_dir = \"data\"\n[smpp]\nlisten = \"127.0.0.1:0\"\nsystem_id = \"x\"\n";
    std::fs::write(&config, text).expect("written");
    let restore = |stderr: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmsc"));
        let missing = home.path().join("no-backup");
        command.arg("restore").arg(missing).arg("--config").arg(&config).env("TERM", "xterm");
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn().expect("it runs");
        drop(command); // which has the terminal open, too
        child.wait_with_output().expect("it ends")
    };
    let (ours, theirs) = terminal();
    let output = restore(theirs.into());
    let shown = written(ours);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains(" restoring ") && shown.contains("not restored: "), "{shown:?}");
    let piped = restore(Stdio::piped());
    let said = String::from_utf8_lossy(&piped.stderr);
    assert!(!said.contains(" restoring ") && said.starts_with("wasmsc: not restored: "), "{said:?}");
}
