use wasmsc_plugin::Failure;
use wasmsc_plugin::testing::Bench;

use super::Hostile;

fn said(text: &str) -> Result<Vec<String>, Failure> {
    let mut bench = Bench::new();
    bench.receive::<Hostile>("+46700000001", "7001", text)?;
    Ok(bench.sent_texts().into_iter().map(str::to_owned).collect())
}

#[test]
fn anything_unknown_is_echoed() {
    assert_eq!(said("ECHO a b"), Ok(vec!["a b".to_owned()]));
    assert_eq!(said("hello there"), Ok(vec!["hello there".to_owned()]));
}

#[test]
fn failures_are_as_ordered() {
    assert_eq!(said("RETRY"), Err(Failure::Retry { after_ms: None }));
    assert_eq!(said("RETRY 250"), Err(Failure::Retry { after_ms: Some(250) }));
    assert_eq!(said("REJECT no good"), Err(Failure::Reject("no good".to_owned())));
    assert!(matches!(said("FLOOD many"), Err(Failure::Reject(_))));
}

#[test]
fn flood_sends_so_many_or_fails_and_the_quiet_one_does_not() {
    assert_eq!(said("FLOOD 3").map(|sent| sent.len()), Ok(3));
    assert!(matches!(said("FLOOD 1000"), Err(Failure::Reject(_))));
    assert!(said("FLOODQ 1000").is_ok_and(|sent| sent.len() < 1000));
}

#[test]
fn count_goes_on_from_message_to_message() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.receive::<Hostile>("+46700000001", "7001", "COUNT").unwrap();
    }
    assert_eq!(bench.sent_texts(), ["1", "2", "3"]);
}

#[test]
#[should_panic(expected = "hostile: boom")]
fn trap_says_boom() {
    let _never = said("TRAP");
}
