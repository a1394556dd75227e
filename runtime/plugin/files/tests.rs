use std::time::Duration;

use super::*;

const LIMITS: CompileLimits = CompileLimits { memory_mib: 64, cpu_secs: 1 };

fn open(folder: &Path) -> Arc<PluginFiles> {
    Arc::new(PluginFiles::open(folder.to_owned(), "e1".into(), LIMITS, 1).expect("it can be made"))
}

fn kept(files: &Arc<PluginFiles>, pieces: &[&[u8]]) -> Digest {
    let mut incoming = files.receive().expect("there is room");
    pieces.iter().for_each(|piece| incoming.write(piece).expect("there is room"));
    incoming.keep().expect("kept")
}

fn sorted(folder: &Path) -> Vec<String> {
    let mut names = names(folder).expect("readable");
    names.sort();
    names
}

#[test]
fn a_component_has_its_name_when_it_is_whole_and_not_before() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = open(folder.path());
    let mut half = files.receive().expect("there is room");
    half.write(b"\0asm").expect("there is room");
    assert!(!half.is_known());
    drop(half);
    assert_eq!(sorted(folder.path()), [""; 0], "what does not come to its end leaves nothing");
    let digest = kept(&files, &[b"\0as", b"m\x0d\0", b"\x01\0rest"]);
    assert_eq!(digest, Digest::of(b"\0asm\x0d\0\x01\0rest"));
    assert_eq!(kept(&files, &[b"\0asm\x0d\0\x01\0rest"]), digest, "the same again is the same file");
    assert_eq!(sorted(folder.path()), [format!("{}.wasm", digest.hex())]);
    assert_eq!(fs::read(files.component(&digest)).expect("there"), b"\0asm\x0d\0\x01\0rest");
}

#[test]
fn what_a_crash_left_half_done_is_gone_at_the_next_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let digest = kept(&open(folder.path()), &[b"whole"]);
    fs::write(folder.path().join(".new-17-0"), b"half").expect("written");
    open(folder.path());
    assert_eq!(sorted(folder.path()), [format!("{}.wasm", digest.hex())]);
}

#[test]
fn a_sweep_takes_what_is_old_and_unwanted_and_what_other_engines_compiled() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = open(folder.path());
    let (wanted, other) = (kept(&files, &[b"wanted"]), kept(&files, &[b"other"]));
    for name in [format!("{}-e1.cwasm", wanted.hex()), format!("{}-e0.cwasm", wanted.hex()), "notes.txt".to_owned()] {
        fs::write(folder.path().join(name), b"x").expect("written");
    }
    let keep = HashSet::from([wanted]);
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(60);
    assert_eq!(files.sweep(&keep, past).expect("swept"), 0, "nothing is old");
    let future = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000_000_000);
    assert_eq!(files.sweep(&keep, future).expect("swept"), 2);
    let mut left = vec![format!("{}-e1.cwasm", wanted.hex()), format!("{}.wasm", wanted.hex()), "notes.txt".to_owned()];
    left.sort();
    assert_eq!(sorted(folder.path()), left);
    assert!(!files.component(&other).exists());
}

#[test]
fn the_first_octets_tell_what_a_file_is() {
    for (octets, word) in [
        (&b""[..], "empty"),
        (b"\x7fELF\x02", "compiled already"),
        (b"\0asm\x01\0\0\0", "core module"),
        (b"(component)", "does not begin with"),
    ] {
        let why = compile::foreign(octets).expect("it is none");
        assert!(why.contains(word), "{why}");
    }
    assert_eq!(compile::foreign(b"\0asm\x0d\0\x01\0"), None);
}
