//! The words for those who teach: grades, lectures, handouts.

use serde::Serialize;

/// What graders, lecture packs and handouts say.
#[derive(Serialize)]
pub struct Grade {
    /// A score: earned, of.
    pub score: &'static str,
    /// Points that people give.
    pub people: &'static str,
    /// An exercise and a student.
    pub of_student: &'static str,
    /// Heads the column of students.
    pub student: &'static str,
    /// Heads the column of points.
    pub points: &'static str,
    /// How a class fared: students, the average, the most there is.
    pub average: &'static str,
    /// Heads why an answer earns nothing at all.
    pub refused: &'static str,
    /// A file is missing.
    pub missing: &'static str,
    /// A file is a link, or no file.
    pub link: &'static str,
    /// A file is too large: its name, the most bytes.
    pub huge: &'static str,
    /// A file is no text.
    pub not_text: &'static str,
    /// A file cannot be read: its name, why.
    pub unreadable: &'static str,
    /// A file is no TOML: its name, why.
    pub bad_toml: &'static str,
    /// A key that answers do not have.
    pub unknown_key: &'static str,
    /// A setting that may not be changed, and those that may.
    pub forbidden: &'static str,
    /// A value of a kind that answers do not have.
    pub bad_value: &'static str,
    /// The settings cannot be run: why.
    pub bad_setting: &'static str,
    /// A scenario cannot be run: file, line, why.
    pub bad_scenario: &'static str,
    /// A scenario has too much of something: file, of what, how much, the most.
    pub too_much: &'static str,
    /// A scenario takes too long: file, seconds, the most.
    pub too_long: &'static str,
    /// A scenario changes rules.
    pub own_rules: &'static str,
    /// A trial without a fault.
    pub no_fault: &'static str,
    /// A claim was not put to the test: seed, claim, why.
    pub untested: &'static str,
    /// A claim breaks: seed, claim, why.
    pub broken: &'static str,
    /// A claim that should break holds: seed, claim.
    pub unbroken: &'static str,
    /// A mutant that is not noticed: seed, mutant.
    pub survives: &'static str,
    /// A number out of its bounds: seed, name, value, bounds.
    pub budget: &'static str,
    /// A lower bound.
    pub at_least: &'static str,
    /// An upper bound.
    pub at_most: &'static str,
    /// Both bounds.
    pub between: &'static str,
    /// A condition should hold at some time: seed, condition.
    pub missed: &'static str,
    /// A condition should never hold: seed, condition.
    pub reached: &'static str,
    /// A time that never ended.
    pub never: &'static str,
    /// A trial did not end: seed.
    pub unfinished: &'static str,
    /// Something is wrong with hidden seeds: of what.
    pub hidden: &'static str,
    /// Points that count only with others.
    pub needs: &'static str,
    /// No number was handed in: its name.
    pub no_number: &'static str,
    /// A number is off: its name.
    pub wrong_number: &'static str,
    /// No choice was handed in: its name.
    pub no_choice: &'static str,
    /// A choice is off: its name, the options.
    pub wrong_choice: &'static str,
    /// Nobody but the teacher should know hidden seeds.
    pub no_secret: &'static str,
    /// Sheets have to be drawn with the same secret.
    pub no_secret_drawn: &'static str,
    /// What was drawn for a student.
    pub drawn: &'static str,
    /// A number that is right: its name, the number, how far one may be off.
    pub right_number: &'static str,
    /// A choice that is right: its name, the options.
    pub right_choice: &'static str,
    /// No option at all.
    pub right_none: &'static str,
    /// Nothing has one right answer.
    pub right_tried: &'static str,
    /// Heads an exercise: its name, points.
    pub sheet_head: &'static str,
    /// Heads what was drawn for a student.
    pub sheet_values: &'static str,
    /// Heads the commands that run it.
    pub sheet_run: &'static str,
    /// The public seeds.
    pub sheet_seeds: &'static str,
    /// Which of them numbers are about.
    pub sheet_first: &'static str,
    /// Heads the options of choices.
    pub sheet_options: &'static str,
    /// Heads the file to hand in.
    pub sheet_answer: &'static str,
    /// Files to hand in: their names, the most steps.
    pub sheet_files: &'static str,
    /// Heads what earns points.
    pub sheet_graded: &'static str,
    /// Steps, of which there are too many.
    pub steps: &'static str,
    /// Brokers, of which there are too many.
    pub brokers: &'static str,
    /// Clients, of which there are too many.
    pub clients: &'static str,
    /// Partitions, of which there are too many.
    pub partitions: &'static str,
    /// Cases, of which there are too many.
    pub cases: &'static str,
    /// Heads the list of lecture packs.
    pub packs: &'static str,
    /// Minutes.
    pub minutes: &'static str,
    /// What to do with the empty picture.
    pub handout_draw: &'static str,
    /// What to fill in about searches.
    pub handout_bounds: &'static str,
    /// Runs of which none is broken.
    pub handout_runs: &'static str,
    /// The rule of three.
    pub handout_rule: &'static str,
    /// The upper end of the exact interval.
    pub handout_exact: &'static str,
    /// Which faults to name.
    pub handout_faults: &'static str,
    /// Heads the claims of a handout.
    pub handout_claims: &'static str,
    /// What the notes say is true.
    pub handout_true: &'static str,
    /// It depends.
    pub handout_depends: &'static str,
    /// It is not.
    pub handout_false: &'static str,
    /// Where a name goes.
    pub handout_name: &'static str,
    /// Where a reason goes.
    pub handout_because: &'static str,
    /// Heads the solution.
    pub handout_solution: &'static str,
    /// The right option: its number, its text.
    pub handout_right: &'static str,
    /// The command that runs the scenario.
    pub handout_run: &'static str,
}

/// English.
pub const ENGLISH: Grade = Grade {
    score: "{0} of {1} points",
    people: "{0} more for people to give",
    of_student: "{0} · {1}",
    student: "student",
    points: "points",
    average: "{0} students, {1} of {2} points on average",
    refused: "not graded: {0}",
    missing: "{0} is missing",
    link: "{0} is not a plain file; links are not followed",
    huge: "{0} has more than {1} bytes",
    not_text: "{0} is not UTF-8 text",
    unreadable: "{0} cannot be read: {1}",
    bad_toml: "{0} is not TOML: {1}",
    unknown_key: "{0} in answer.toml is not asked for; it may have: {1}",
    forbidden: "{0} may not be changed, so that nothing is graded; these may: {1}",
    bad_value: "the value of {0} is neither a text nor a number nor true nor false",
    bad_setting: "with these settings the scenario cannot be run: {0}",
    bad_scenario: "{0}, line {1}: {2}",
    too_much: "{0} has too many {1}: {2}, and {3} are allowed",
    too_long: "{0} lasts {1} s of simulated time, and {2} s are allowed",
    own_rules: "{0} changes the rules of the protocol; that is for the exercise to do",
    no_fault: "seed {0}: no fault happened, so that this proves nothing",
    untested: "seed {0}: {1} is untested ({2}); that earns nothing",
    broken: "seed {0}: {1} breaks: {2}",
    unbroken: "seed {0}: {1} holds",
    survives: "seed {0}: no claim breaks with {1}, so that nobody would notice it",
    budget: "seed {0}: {1} is {2}, and should be {3}",
    at_least: "at least {0}",
    at_most: "at most {0}",
    between: "from {0} to {1}",
    missed: "seed {0}: never came to {1}",
    reached: "seed {0}: it came to {1}",
    never: "without end",
    unfinished: "seed {0}: the trial was stopped before its end",
    hidden: "hidden seeds: {0}",
    needs: "it counts only together with: {0}",
    no_number: "the number {0} is missing",
    wrong_number: "{0} is not what the run gives",
    no_choice: "the choice {0} is missing",
    wrong_choice: "{0} is not what the runs give; the options are: {1}",
    no_secret: "note: without --secret the hidden seeds can be worked out by anybody",
    no_secret_drawn: "note: without --secret anybody can work out what others have drawn; print sheets and grade with the same one",
    drawn: "drawn: {0}",
    right_number: "{0} = {1} (within {2})",
    right_choice: "{0} = {1}",
    right_none: "none of them",
    right_tried: "There is no one right answer: what is handed in is tried.",
    sheet_head: "Exercise {0} · {1} points",
    sheet_values: "Your own values",
    sheet_run: "Run it",
    sheet_seeds: "Seeds that you may try (--seed): {0}.",
    sheet_first: "Numbers are asked for with the first of them.",
    sheet_options: "The options, and what to add to the command to try them",
    sheet_answer: "Hand in answer.toml; leave out what you do not change",
    sheet_files: "Hand in {0}, with at most {1} steps that act.",
    sheet_graded: "What earns points",
    steps: "steps",
    brokers: "brokers",
    clients: "clients",
    partitions: "partitions",
    cases: "cases",
    packs: "Lectures (trial demo --pack NAME):",
    minutes: "{0} min",
    handout_draw: "Draw what you expect: who sends what to whom, and when.",
    handout_bounds: "So many runs, and none is broken. How large may the share of broken ones still be?",
    handout_runs: "runs without a broken one",
    handout_rule: "rule of three: 3 / runs",
    handout_exact: "upper end of the exact interval (95 %)",
    handout_faults: "Name three faults that a search should draw, and one that it would never find.",
    handout_claims: "What the usual notes say. Tick what you will find.",
    handout_true: "true",
    handout_depends: "only when …",
    handout_false: "not so",
    handout_name: "Name",
    handout_because: "Because",
    handout_solution: "Solution",
    handout_right: "Right is {0}: {1}",
    handout_run: "See it run: {0}",
};

/// Chinese.
pub const CHINESE: Grade = Grade {
    score: "{1} 分中得 {0} 分",
    people: "另有 {0} 分由人批改",
    of_student: "{0} · {1}",
    student: "学生",
    points: "得分",
    average: "{0} 名学生，平均 {1} 分（满分 {2}）",
    refused: "未评分：{0}",
    missing: "缺少 {0}",
    link: "{0} 不是普通文件；不跟随链接",
    huge: "{0} 超过 {1} 字节",
    not_text: "{0} 不是 UTF-8 文本",
    unreadable: "{0} 无法读取：{1}",
    bad_toml: "{0} 不是 TOML：{1}",
    unknown_key: "answer.toml 中的 {0} 不在要求之内；可以有：{1}",
    forbidden: "不允许修改 {0}，因此整份答卷不评分；允许修改：{1}",
    bad_value: "{0} 的值既不是文本、数字，也不是真假值",
    bad_setting: "用这些配置项无法运行场景：{0}",
    bad_scenario: "{0} 第 {1} 行：{2}",
    too_much: "{0} 的{1}太多：{2}，最多 {3}",
    too_long: "{0} 的模拟时间为 {1} 秒，最多 {2} 秒",
    own_rules: "{0} 修改了协议规则；规则由练习设定",
    no_fault: "种子 {0}：没有发生任何故障，所以什么也没证明",
    untested: "种子 {0}：{1} 未检验（{2}），不得分",
    broken: "种子 {0}：{1} 被违反：{2}",
    unbroken: "种子 {0}：{1} 成立",
    survives: "种子 {0}：植入 {1} 后没有保证被违反，没有人会察觉",
    budget: "种子 {0}：{1} 为 {2}，应当{3}",
    at_least: "不少于 {0}",
    at_most: "不超过 {0}",
    between: "在 {0} 到 {1} 之间",
    missed: "种子 {0}：始终没有达到 {1}",
    reached: "种子 {0}：出现了 {1}",
    never: "没有尽头",
    unfinished: "种子 {0}：试验未到终点就被停止",
    hidden: "隐藏种子：{0}",
    needs: "只有同时得到这一项才计分：{0}",
    no_number: "缺少数字 {0}",
    wrong_number: "{0} 与运行结果不符",
    no_choice: "缺少选择 {0}",
    wrong_choice: "{0} 与运行结果不符；选项有：{1}",
    no_secret: "注意：没有 --secret，任何人都能算出隐藏种子",
    no_secret_drawn: "注意：没有 --secret，任何人都能算出别人的取值；打印题单和评分要用同一个密钥",
    drawn: "抽到的取值：{0}",
    right_number: "{0} = {1}（误差不超过 {2}）",
    right_choice: "{0} = {1}",
    right_none: "一个也不选",
    right_tried: "没有唯一的正确答案：提交的内容会被实际运行。",
    sheet_head: "练习 {0} · {1} 分",
    sheet_values: "你自己的取值",
    sheet_run: "运行",
    sheet_seeds: "可以试的种子（--seed）：{0}。",
    sheet_first: "要提交的数字以第一个种子为准。",
    sheet_options: "选项，以及试它时在命令后面加上什么",
    sheet_answer: "提交 answer.toml；不改的行删去即可",
    sheet_files: "提交 {0}，最多 {1} 个起作用的步骤。",
    sheet_graded: "得分项",
    steps: "步骤",
    brokers: "broker",
    clients: "客户端",
    partitions: "分区",
    cases: "用例",
    packs: "讲座（用 --pack 选一个）：",
    minutes: "{0} 分钟",
    handout_draw: "画出你的预期：谁在何时给谁发了什么。",
    handout_bounds: "运行这么多次，没有一次出错。出错的比例最大还可能是多少？",
    handout_runs: "没有一次出错的运行数",
    handout_rule: "三的法则：3 / 运行数",
    handout_exact: "精确区间的上端（95 %）",
    handout_faults: "写出三种搜索应当抽到的故障，再写一种它永远找不到的。",
    handout_claims: "常见笔记的说法。勾出你认为的结果。",
    handout_true: "对",
    handout_depends: "仅当……",
    handout_false: "不对",
    handout_name: "姓名",
    handout_because: "理由",
    handout_solution: "解答",
    handout_right: "正确的是 {0}：{1}",
    handout_run: "运行查看：{0}",
};
