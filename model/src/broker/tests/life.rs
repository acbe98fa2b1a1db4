//! Brokers that come and go.

use super::*;

#[test]
fn a_restart_before_the_session_has_ended_is_refused_until_the_broker_is_fenced() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    cluster.produce(1, 0, Acks::All);
    cluster.pass(Duration::from_secs(10));
    cluster.crash(1);
    cluster.start(1);

    cluster.pass(Duration::from_secs(6));
    assert!(0 < cluster.count(|fact| matches!(fact, Fact::RegistrationRefused { .. })));
    assert_eq!(cluster.registration().leader, Some(b(1)));

    cluster.pass(Duration::from_secs(20));
    assert_eq!(cluster.registration().leader, Some(b(2)));
    assert_eq!(cluster.registration().isr.len(), 2);
    assert_eq!(cluster.records(1), [0]);
    assert_eq!(cluster.log(1).high_watermark(), Offset(1));
}

#[test]
fn a_starting_broker_hangs_up_on_clients() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    cluster.crash(1);
    cluster.start(1);

    let call = cluster.produce(1, 0, Acks::All);
    cluster.pass(Duration::from_secs(1));

    assert!(!cluster.open.contains(&call.0));
    assert_eq!(cluster.error(call), None);
}

#[test]
fn a_shutdown_first_moves_the_leadership() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    let call = cluster.produce(1, 0, Acks::All);
    cluster.pass(Duration::from_secs(1));
    assert_eq!(cluster.error(call), Some(ErrorCode::None));

    cluster.shut_down(1);
    cluster.wait(Duration::from_secs(5), |it| it.down.contains_key(&b(1)));

    assert_eq!(cluster.down[&b(1)].shutdown, Shutdown::Clean);
    assert_eq!(cluster.down[&b(1)].high_watermarks[&PARTITION], Offset(1));
    assert_eq!(cluster.registration().leader, Some(b(2)));
    cluster.start(1);
    cluster.pass(Duration::from_secs(20));
    assert_eq!(cluster.registration().isr.len(), 2);
}

#[test]
fn without_controlled_shutdown_the_broker_just_goes() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    let broker = cluster.up.get_mut(&b(1)).unwrap();
    broker.setup.config.controlled_shutdown_enable = false;

    cluster.shut_down(1);

    assert_eq!(cluster.down[&b(1)].shutdown, Shutdown::Clean);
    assert_eq!(cluster.registration().leader, Some(b(1)));
}

#[test]
fn a_broker_that_cannot_register_gives_up() {
    let mut cluster = Cluster::with(1, min_isr(1), Rules::default());
    cluster.crash(1);
    cluster.cut(node(1), CONTROLLER);
    cluster.start(1);

    cluster.pass(Duration::from_secs(80));

    assert!(cluster.down.contains_key(&b(1)));
}

#[test]
fn a_leader_that_restarts_alone_has_its_records_and_commits_them_again() {
    let mut cluster = Cluster::with(1, min_isr(1), Rules::default());
    let call = cluster.produce(1, 0, Acks::All);
    cluster.pass(Duration::from_secs(1));
    assert_eq!(cluster.error(call), Some(ErrorCode::None));

    cluster.crash(1);
    cluster.start(1);
    cluster.pass(Duration::from_secs(30));

    assert_eq!(cluster.records(1), [0]);
    assert_eq!(cluster.leader(1).epoch_start, Offset(1));
    assert_eq!(cluster.log(1).high_watermark(), Offset(1));
}
