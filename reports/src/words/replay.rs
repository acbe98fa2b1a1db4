//! The words about findings that are replayed, in both languages.

use serde::Serialize;

/// What replaying a finding says.
#[derive(Serialize)]
pub struct Replay {
    /// The history is the one that was found.
    pub same_history: &'static str,
    /// Another history of another model, and the same is wrong: both versions of the model.
    pub same_verdict: &'static str,
    /// What was wrong no longer is.
    pub no_longer: &'static str,
    /// Another history of the same model: its version.
    pub other_history: &'static str,
    /// What that means.
    pub other_means: &'static str,
    /// A claim that is broken: when, and why.
    pub breaks: &'static str,
    /// A claim that came true too late: why that counts as broken.
    pub late: &'static str,
    /// A claim that is not.
    pub stands: &'static str,
    /// A trial that never rests.
    pub livelock: &'static str,
    /// The model broke an assertion of its own: what it said.
    pub assertion: &'static str,
    /// The trial had neither of the two endings.
    pub in_time: &'static str,
    /// The digest, if it is the same.
    pub digest: &'static str,
    /// The digest that was, and the one that is.
    pub digests: &'static str,
    /// From which seed it was found, with which versions; by whom stands below.
    pub found: &'static str,
    /// The story was stopped: when, and when it ends.
    pub stopped: &'static str,
}

pub(super) const ENGLISH: Replay = Replay {
    same_history: "same history",
    same_verdict: "same verdict, other history (model {0} → {1})",
    no_longer: "no longer broken",
    other_history: "other history, same model ({0})",
    other_means: "The simulator is not deterministic, or the file was changed after it was written.",
    breaks: "{0} breaks at {1} s: {2}",
    late: "{0} breaks: {1}",
    stands: "{0} is not broken",
    livelock: "livelock: the trial was stopped after {0} events",
    assertion: "assertion: {0}",
    in_time: "the trial ran to its end",
    digest: "digest {0}",
    digests: "digest {1}, and {0} when it was found",
    found: "found from seed {0}, with trial {1}, model {2}, by",
    stopped: "The story stops at {0} s; the trial ends at {1} s.",
};

pub(super) const CHINESE: Replay = Replay {
    same_history: "历史相同",
    same_verdict: "判定相同，历史不同（模型 {0} → {1}）",
    no_longer: "不再违反",
    other_history: "模型相同（{0}），历史却不同",
    other_means: "要么模拟器不是确定性的，要么文件写成之后被改过。",
    breaks: "{0} 在 {1} s 被违反：{2}",
    late: "{0} 被违反：{1}",
    stands: "{0} 没有被违反",
    livelock: "活锁：试验在 {0} 个事件之后被停止",
    assertion: "断言：{0}",
    in_time: "试验运行到了结尾",
    digest: "摘要 {0}",
    digests: "摘要 {1}，发现时是 {0}",
    found: "种子 {0}，trial {1}，模型 {2}，发现者：",
    stopped: "故事停在 {0} s；试验在 {1} s 结束。",
};
