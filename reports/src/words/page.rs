//! The labels of the page: one line each, English and Chinese.

use scenarios::Language;

/// Every label: its name in the player, English, Chinese.
pub const LABELS: &[(&str, &str, &str)] = &[
    ("seed", "seed", "种子"),
    ("leader", "leader", "首领"),
    ("follower", "follower", "跟随者"),
    ("starting", "starting", "启动中"),
    ("down", "down", "宕机"),
    ("frozen", "frozen", "停顿"),
    ("out", "out", "不在 ISR"),
    ("logs", "replica logs of", "副本日志"),
    ("fates", "What became of each record", "每条记录的命运"),
    ("spacetime", "Space-time diagram", "时空图"),
    ("messages", "messages", "条消息"),
    ("comma", ", ", "，"),
    ("colon", ": ", "："),
    ("period", ". ", "。"),
    ("drawn", "drawn", "条画出"),
    ("quietLanes", "quiet lanes hidden", "条安静的泳道未画"),
    ("claims", "claims", "条保证"),
    ("breaks", "BREAKS", "违反"),
    ("also", "and", "以及"),
    ("holds", "holds", "成立"),
    ("untested", "untested", "未检验"),
    ("met", "✓ as expected", "✓ 符合预期"),
    ("failed", "✗ not as expected", "✗ 不符预期"),
    (
        "press",
        "Press space to play, n for the next stop, k for the legend, ? for all keys.",
        "按空格播放，n 到下一站，k 看图例，? 看全部按键。",
    ),
    ("generation", "generation", "代"),
    ("lag", "lag", "积压"),
    ("verdict", "Verdict", "裁决"),
    (
        "helped",
        "What would have helped (same seed, one change each)",
        "怎样才能避免（同一种子，每次只改一处）",
    ),
    ("expected", "What the file expects", "文件的预期"),
    ("guessed", "Your prediction", "你的预测"),
    ("answer", "The run says", "运行结果是"),
    ("watchfirst", "Watch first", "先看一段"),
    ("waive", "Show everything", "直接揭晓"),
    ("keys", "Keys", "按键"),
    (
        "keylist",
        "space or .: play · ← →: one event · shift+← →: one second · Home End: start, end · n p or PageDown PageUp: next, previous stop · 1 2 3 4: variant, or moment ①②③④ if there is one only · f: follow the next record that went wrong (or click one) · q: quiet messages · w: who pulls · s: plots · l e r: linear, elastic, ranked time · i o: zoom · v: verdict · k: legend · d: dark · z: language · b: blank screen · + -: size",
        "空格或 .：播放 · ← →：一个事件 · shift+← →：一秒 · Home End：开头、结尾 · n p 或 PageDown PageUp：下一站、上一站 · 1 2 3 4：变体；只有一个时为时刻 ①②③④ · f：跟随下一条出错的记录（也可点击） · q：安静的消息 · w：谁在拉取 · s：曲线 · l e r：线性、弹性、按序的时间 · i o：缩放 · v：裁决 · k：图例 · d：深色 · z：语言 · b：黑屏 · + -：字号",
    ),
    ("plots", "plots", "曲线"),
    ("strip-isrsize", "How many replicas are in sync?", "有几个副本同步？"),
    (
        "strip-leaderlog",
        "How far is the leader's log, and how much is committed?",
        "首领的日志多长，提交到哪里？",
    ),
    (
        "strip-laggroups",
        "How many committed records has a group not yet dealt with?",
        "消费者组还有多少已提交的记录没有处理？",
    ),
    ("removed", "removed at", "截去于"),
    ("fullstop", ".", "。"),
    ("hands", "show of hands", "举手人数"),
    ("previousstop", "previous stop", "上一站"),
    ("nextstop", "next stop", "下一站"),
    ("speed", "speed", "速度"),
    ("timescale", "time scale", "时间刻度"),
    ("lightdark", "light or dark", "浅色或深色"),
    ("language", "中文", "English"),
    ("facts", "The facts as a table", "事实列表"),
    ("helpless", "None of these changes helps.", "这些改动都不管用。"),
    ("rebalances", "Rebalances", "再均衡"),
    ("stillbelieves", "still believes it owns", "仍以为自己拥有"),
    ("question", "Back to the question", "回到问题"),
    ("legend", "Legend", "图例"),
    ("legend-records", "What has become of a record", "记录的境况"),
    ("legend-lanes", "In the diagram", "时空图中"),
    ("legend-logs", "In the logs", "日志中"),
    (
        "legend-lost",
        "lost: decided; the last copy may still lie on a deposed replica",
        "丢失：已成定局；最后一份可能还在被罢免的副本上",
    ),
    ("legend-isr", "in sync: in the ISR", "同步：在 ISR 中"),
    ("legend-leads", "leads the partition, in this epoch", "在此纪元领导该分区"),
    ("legend-owns", "member owns these partitions", "成员拥有这些分区"),
    ("legend-gap", "time is left out, this long", "略去的时间，有这么长"),
    ("legend-ticks", "quiet messages, such as heartbeats (q)", "安静的消息，如心跳（q）"),
    ("legend-caption", "caption; the lecture stops here", "说明；讲解在此停一下"),
    (
        "legend-moments",
        "a loss: promised, at risk, decided, gone",
        "一次丢失：承诺、危险、已定、消失",
    ),
    ("legend-evidence", "evidence against a claim", "违反保证的证据"),
    ("legend-late", "late by this much", "迟到了这么久"),
    ("legend-star", "leader of the partition", "分区的首领"),
    ("legend-epoch", "colour: the epoch that appended it", "颜色：追加它的纪元"),
    ("legend-hw", "HW: committed up to here", "HW：提交到此"),
    ("legend-leo", "LEO: the log ends here", "LEO：日志到此为止"),
    ("legend-belief", "what the leader knows of this follower", "首领所知的这个跟随者的进度"),
    ("legend-differs", "differs from the leader's log", "与首领的日志不同"),
    ("legend-position", "consumer c reads on from here", "消费者 c 从这里继续读"),
    ("legend-committed", "group g has committed up to here", "消费者组 g 提交到这里"),
    ("words", "Words", "词语"),
    (
        "word-offset",
        "offset: the place of a record in the log of a partition, counted from 0.",
        "位移（offset）：记录在分区日志中的位置，从 0 数起。",
    ),
    (
        "word-leo",
        "LEO (log end offset): the offset that the next record of a replica will get.",
        "LEO（日志末端位移）：一个副本的下一条记录将得到的位移。",
    ),
    (
        "word-isr",
        "ISR (in-sync replicas): the replicas that keep up with the leader, itself included; the next leader comes from among them.",
        "ISR（同步副本）：跟得上首领的副本，首领也算在内；下一任首领从中选出。",
    ),
    (
        "word-hw",
        "HW (high watermark): below this offset every replica in the ISR has the records; they are committed, and consumers may read them.",
        "HW（高水位）：在此位移之下的记录，ISR 的每个副本都有；它们已提交，消费者可以读到。",
    ),
    (
        "word-epoch",
        "epoch: the number of a leader's term, one higher after each election; records carry it, so that logs can be compared.",
        "纪元（epoch）：首领任期的编号，每次选举加一；记录带着它，日志才好比较。",
    ),
    (
        "word-acks",
        "acks: whose copy a producer waits for: nobody's (0), the leader's (1), that of all replicas in the ISR (all).",
        "acks：生产者等谁写好：谁也不等（0）、首领（1）、ISR 的全部副本（all）。",
    ),
    (
        "word-rebalance",
        "rebalance: a consumer group shares its partitions out anew, because members come, go or fall silent.",
        "再均衡（rebalance）：有成员加入、离开或失联时，消费者组重新分配分区。",
    ),
    ("time", "time", "时间"),
    ("who", "who", "谁"),
    ("what", "what", "什么"),
    ("where", "where", "何处"),
    ("againhead", "Run it again:", "再次运行："),
    ("limitshead", "What this model leaves out", "模型略去了什么"),
    ("partition", "partition", "分区"),
    ("playpause", "play or pause", "播放或暂停"),
    ("virtualtime", "virtual time", "虚拟时间"),
    ("linear", "linear time", "线性时间"),
    ("elastic", "elastic time", "弹性时间"),
    ("rank", "ranked time", "按序时间"),
    ("insync", "in the ISR", "在 ISR 中"),
    ("owns", "owns the partition", "拥有该分区"),
    ("nothingbroke", "no claim broke", "没有断言被违背"),
    ("why-nothing", "Nothing befell {0}; this is its way:", "{0} 没有出事；它的经过如下："),
    ("ask-right", "Right, it is {0}: {1}", "正确，是 {0}：{1}"),
    ("ask-wrong", "No, it is {0}: {1}", "不对，是 {0}：{1}"),
    ("ask-answer", "It is {0}: {1}", "是 {0}：{1}"),
    ("ask-prompt", "Your answer, {0}: ", "你的答案，{0}："),
    ("demo-keys", "space or enter: on · b: back · q: quit", "空格或回车：继续 · b：后退 · q：退出"),
    ("demo-lessons", "Lessons, each with a question:", "课程，每课一个问题："),
    ("arrow-produce", "send", "发送"),
    ("arrow-ack", "acknowledgement", "确认"),
    ("arrow-data", "replication", "复制"),
    ("arrow-delivery", "delivery", "投递"),
    ("arrow-control", "control", "控制"),
    ("arrow-lost", "lost message", "丢失的消息"),
    ("mark-hw", "high watermark", "高水位"),
    ("mark-leo", "log end", "日志末端"),
    ("mark-belief", "what the leader believes", "首领所知的进度"),
    ("mark-differs", "differs from the leader", "与首领不同"),
    ("band-crash", "down", "宕机"),
    ("band-power", "power cut", "断电"),
    ("band-stopped", "stopped", "已停止"),
    ("band-pause", "frozen", "停顿"),
    ("band-cut", "network cut", "网络断开"),
    ("band-slow", "slow link", "链路慢"),
    ("band-disk", "slow disk", "磁盘慢"),
    ("band-rebalance", "rebalance", "再均衡"),
    ("stage-unsent", "not yet sent", "尚未发送"),
    ("stage-sent", "sent", "已发送"),
    ("stage-leader", "on the leader only", "只在首领上"),
    ("stage-acked", "acknowledged", "已确认"),
    ("stage-replicated", "replicated", "已复制"),
    ("stage-committed", "committed", "已提交"),
    ("stage-consumed", "consumed", "已消费"),
    ("stage-risk", "at risk", "有风险"),
    ("stage-lost", "lost", "丢失"),
    ("stage-duplicated", "duplicated", "重复"),
];

/// What every page says of the model, English and Chinese.
pub const LIMITS: &[(&str, &str)] = &[
    (
        "Time is simulated: latencies of network and disk come from the scenario file, not from a machine. Compare shapes, not numbers.",
        "时间是模拟的：网络与磁盘的延迟来自场景文件，而非真实机器。请比较形状，不要比较数值。",
    ),
    (
        "The controller is one KRaft voter: a quorum of controllers is left out.",
        "控制器是单个 KRaft 投票者，不模拟控制器的法定人数。",
    ),
    (
        "Also left out: transactions, compaction, compression, quotas, authorization, tiered storage, reads from followers, ELR, reassignment, deleting topics.",
        "同样略去：事务、日志压实、压缩、配额、授权、分层存储、从跟随者读取、ELR、副本重分配、删除主题。",
    ),
    (
        "Disks are slow, stall, or lose what was not flushed; they are never corrupt, full or failing.",
        "磁盘会变慢、停顿、丢掉没有刷盘的内容，但不会损坏、写满或报错。",
    ),
    (
        "One run shows what can happen, not how often: `trial sweep` says how often.",
        "一次运行只说明会发生什么，不说明多常发生：`trial sweep` 给出频率。",
    ),
];

/// Returns the labels of one language with their names.
pub fn labels(language: Language) -> impl Iterator<Item = (&'static str, &'static str)> {
    LABELS.iter().map(move |&(name, en, zh)| match language {
        Language::English => (name, en),
        Language::Chinese => (name, zh),
    })
}

/// Returns a label of one language by its name.
///
/// # Panics
/// If there is no such label.
pub fn label(name: &str, language: Language) -> &'static str {
    let mut labels = labels(language);
    labels.find(|(known, _)| *known == name).expect("every label that is asked for exists").1
}

/// Returns what every page says of the model, in one language.
pub fn limits(language: Language) -> Vec<&'static str> {
    let pick = |&(en, zh): &(&'static str, &'static str)| match language {
        Language::English => en,
        Language::Chinese => zh,
    };
    LIMITS.iter().map(pick).collect()
}
