//! The Chinese words about rules that are broken on purpose.

use super::both;
use crate::words::mutants::Mutants;

/// Chinese.
pub const MUTANTS: Mutants = Mutants {
    head: both("故意破坏 {0} 条规则："),
    noticed: "剧本库察觉 {0} 条",
    killed: "搜索杀死 {0} 条",
    source: "{0}，{1}，每轮至多 {2}",
    campaigns: both("{0} 轮搜索"),
    runs: both("{0} 次运行"),
    rule: "规则",
    library: "剧本库",
    by_any: "被任一保证杀死",
    by_clients: "客户端看得见",
    columns: ["中位数", "90%"],
    matrix: "谁凭什么察觉",
    signs: "L 库中的剧本，F 搜索，# 两者",
    clients: "客户端可以证明",
    truth: "只有看得见内部的人才知道",
    idle: "什么都没杀死",
    unnoticed: "剧本库没有察觉",
    survivors: "躲过所有搜索",
    unseen: "客户端从未看见",
    canary: "金丝雀没有死：搜索本身坏了。",
    none: "无",
    notices: "察觉 {0} 的是",
    no_claim: "不是保证，而是别的预期",
    cut_short: "已中断：有些规则没有试",
    meaning: "一次试验违反了某条许下的保证，而在正确的规则下同一次试验并不违反，搜索才算杀死了规则。\
        运行次数算到这一次为止，包括它。",
    joint: "，",
};
