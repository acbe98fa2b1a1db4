//! Other futures of one trial: when it was too late.

use crate::cli::{shown, trial};

const SMALL: [&str; 5] = ["odds", "--branches", "20", "--points", "4"];

#[test]
fn the_odds_rise_where_the_leader_is_killed() {
    let told = shown(&[&SMALL[..], &["acks1-leader-crash"]].concat());
    let chinese = shown(&[&SMALL[..], &["acks1-leader-crash", "--lang", "zh"]].concat());
    let json = shown(&[&SMALL[..], &["acks1-leader-crash", "--format", "json"]].concat());

    insta::assert_snapshot!(format!("{told}{chinese}{json}"));
}

#[test]
fn the_answer_does_not_depend_on_how_many_work_at_it() {
    let asked = |jobs| {
        let flags = ["followers-stall-leader-loses-power", "--future", "planned", "--jobs", jobs];
        trial(&[&SMALL[..], &flags].concat()).stdout
    };

    assert_eq!(asked("1"), asked("3"));
}

#[test]
fn what_is_not_broken_has_no_odds_and_mistakes_have_hints() {
    let holds = ["odds", "acks-all-leader-crash"];
    let other = ["odds", "acks1-leader-crash", "--claim", "no-phantom"];
    let unknown = ["odds", "acks1-leader-crash", "--claim", "no-fantom"];
    let picture = ["odds", "acks1-leader-crash", "--plot", "curve.txt"];
    for (words, code) in [(&holds[..], 3), (&other[..], 3), (&unknown[..], 2), (&picture[..], 2)] {
        assert_eq!(trial(words).status.code(), Some(code), "{words:?}");
    }

    insta::assert_snapshot!(shown(&holds) + &shown(&other) + &shown(&picture));
}
