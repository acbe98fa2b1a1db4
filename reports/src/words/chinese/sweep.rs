//! The Chinese words about sweeps.

use crate::words::sweep::SweepWords;

/// Chinese.
pub const SWEEP: SweepWords = SweepWords {
    head: "{0}，种子由 {1} 派生",
    head_of_many: "{2} 组设置各 {0}，种子相同，由 {1} 派生",
    at_risk: "其中 {0} 次面临风险",
    seeds: "首个种子 {0}，最坏的种子 {1}（{2}）",
    unfinished: "{1} 次运行中有 {0} 次没有到达结尾",
    never: "从未违反，所以低于 {0}（{1} 次中 0 次）：{2}",
    never_in_each: "从未违反，所以在每组设置中都低于 {0}（{1} 次中 0 次）：{2}",
    compared: "违反的情况，对照（A）：{0}",
    other: "B",
    pairs: ["都违反", "仅 A", "仅 B", "都没有"],
    less: "B 减 A，附 95% 区间",
    difference: "{0} 个百分点（{1} 至 {2}），{3}",
    no_runs: "没有运行",
    none: "{1} 次中 {0} 次，低于 {2}",
    all: "{1} 次中 {0} 次，高于 {2}",
    some: "{1} 次中 {0} 次，{2}（{3}–{4}），{5}",
    one_in: "约每 {0} 次 1 次",
    every_other: "约每两次 1 次",
    in_ten: "约每 10 次 {0} 次",
    all_but: "约每 {0} 次只有 1 次例外",
    brackets: "括号内以及“低于”“高于”之后：精确 95% 区间（Clopper–Pearson）。",
    meaning: "这是文件所描述的故障之下、每次换一个种子的运行比例，只说明这个场景会怎样，\
        并不预测数据中心。",
    chances: "文件所预期的概率",
    at_line: "{0}，第 {1} 行：{2}",
    should: "{0} 预期在{1}的运行中被违反（置信度 {2}）：{3}（{4}）",
    between: " {0} 至 {1} ",
    at_least: "至少 {0} ",
    at_most: "至多 {0} ",
    any: "任意比例",
    standings: ["确实如此", "还不能确定，需要更多次运行", "并非如此"],
    came_again: "首个种子和最坏的种子都重跑了一次，违反的情况相同。",
    cut_short: "已中断：这是到那时为止的结果",
};
