//! The metadata log: who waits for it, and for what it waits.

use super::*;

#[test]
fn a_poll_waits_for_records_and_not_for_ever() {
    let mut desk = Desk::started();
    assert_eq!(desk.poll(1, 0), None, "there is nothing yet");

    desk.ask(2, registration(2, 1));
    let woken = desk.polled(1).expect("a record came");
    assert_eq!((woken.from, woken.records.len()), (MetadataOffset(0), 1));
    assert_eq!(desk.poll(1, 0).map(|reply| reply.records.len()), Some(1), "at once");

    desk.controller.ledger.config.metadata_idle_interval_max = Duration::ZERO;
    desk.pass(Duration::from_millis(500));
    let next = desk.controller.image().next.0;
    assert_eq!(desk.poll(1, next), None);
    desk.pass(Duration::from_millis(499));
    assert_eq!(desk.polled(1), None);
    desk.pass(Duration::from_millis(1));
    assert_eq!(desk.polled(1).map(|reply| reply.records.len()), Some(0));

    assert_eq!(desk.poll(1, next), None);
    desk.close(1);
    desk.pass(Duration::from_millis(500));
    assert_eq!(desk.polled(1), None, "nobody is there to be told");
}

#[test]
fn the_disk_is_waited_for_when_a_record_was_written() {
    let mut desk = Desk::started();

    desk.ask(1, registration(1, 1));
    assert!(matches!(desk.effects[..], [Effect::Disk(DiskWork::Flush), Effect::Send(..)]));
    desk.ask(1, registration(1, 1));
    assert!(matches!(desk.effects[..], [Effect::Send(..)]));
}

#[test]
fn an_idle_log_keeps_moving() {
    let mut desk = Desk::started();

    desk.pass(Duration::from_millis(499));
    assert_eq!(desk.controller.image().next, MetadataOffset(0));
    desk.pass(Duration::from_millis(1_001));

    assert_eq!(desk.controller.image().next, MetadataOffset(3));
}
