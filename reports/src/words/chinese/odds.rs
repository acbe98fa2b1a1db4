//! The Chinese words about odds.

use super::both;
use crate::words::odds::OddsWords;

/// Chinese.
pub const ODDS: OddsWords = OddsWords {
    head: "从哪一刻起，{0} 已无可挽回？",
    calm: both("每个时刻 {0} 种未来：过去不变，运气重新抽取，不再出故障"),
    planned: both("每个时刻 {0} 种未来：过去不变，运气重新抽取，剧本照旧"),
    up_to: "截至",
    broken: "违反它的未来",
    none: "{1} 中 {0}：低于 {2}",
    all: "{1} 中 {0}：高于 {2}",
    some: "{1} 中 {0}：{2}（{3} 至 {4}）",
    between: both("{0} 个时刻相同"),
    rise: "从 {0} 升到 {1}，发生在 {2}：",
    flat: "各个时刻的概率都一样",
    cut_short: "已中断：没有看完所有时刻",
    meaning: "占比附精确 95% 区间。它们只说明这一段历史换一种运气会怎样，并不预测真实的数据中心。",
    nothing: "这次试验没有违反任何保证：没有概率可说",
    not_broken: "这次试验没有违反 {0}：没有概率可说",
    again: "重做",
};
