//! The words of the plots, in both languages.

use scenarios::Language;

/// A text in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Both {
    /// In English.
    pub en: &'static str,
    /// In Chinese.
    pub zh: &'static str,
}

impl Both {
    /// Returns the text in a language.
    pub fn of(self, language: Language) -> &'static str {
        match language {
            Language::English => self.en,
            Language::Chinese => self.zh,
        }
    }
}

/// Declares texts, and a list of all of them for the test of the font.
macro_rules! words {
    ($($name:ident $en:literal $zh:literal,)*) => {
        $(pub(crate) const $name: Both = Both { en: $en, zh: $zh };)*
        /// Every text.
        #[cfg(test)]
        pub(crate) const ALL: &[Both] = &[$($name,)*];
    };
}

words! {
    LOSS_TITLE "What does an acknowledgement buy when the leader is gone?" "首领消失时，一次确认值多少？",
    LOSS_Y "runs that lose acknowledged records, %" "丢失已确认记录的试验占比（%）",
    LOSS_X "acks, min.insync.replicas" "acks，min.insync.replicas",
    LOSS_DOTS "number: records lost per 1,000 acknowledged" "数字：每 1000 条已确认记录中丢失的条数",
    LAG_TIME_TITLE "Does a shorter replica.lag.time.max.ms make acks=all safer?" "缩短 replica.lag.time.max.ms 会让 acks=all 更安全吗？",
    LAG_TIME_X "replica.lag.time.max.ms, in ms, as swept" "replica.lag.time.max.ms（毫秒，按所扫描的取值）",
    DUPLICATES_TITLE "How many copies do late replies make?" "迟到的响应会产生多少重复？",
    DUPLICATES_X "replies later than request.timeout.ms, %" "晚于 request.timeout.ms 的响应占比（%）",
    DUPLICATES_Y "records in the log more than once, per 10,000 sent" "日志中重复的记录数，每发送 10000 条",
    DISORDER_TITLE "Why may at most five requests be in flight?" "为什么最多只能有五个在途请求？",
    DISORDER_X "max.in.flight.requests.per.connection" "max.in.flight.requests.per.connection",
    DISORDER_Y "records out of order, per 10,000 sent" "乱序记录数，每发送 10000 条",
    GAP_TITLE "How long is a partition without a leader?" "分区会有多久没有首领？",
    GAP_X "broker.session.timeout.ms, in ms" "broker.session.timeout.ms（毫秒）",
    GAP_Y "longest time without a leader, s" "无首领的最长时间（秒）",
    LATENCY_TITLE "What does waiting for more replicas cost?" "等待更多副本要付出什么代价？",
    LATENCY_X "from send() to the acknowledgement, ms (log scale)" "从 send() 到确认，毫秒（对数轴）",
    LATENCY_Y "share of records at or below, %" "不超过该值的记录占比（%）",
    LATENCY_CAUTION "Simulated network: compare shapes, not numbers." "模拟网络：请比较形状，而不是数值。",
    GROUP_LAG_TITLE "How far does the group fall behind, and when has it caught up?" "消费组落后多少，何时追上？",
    GROUP_LAG_Y "records behind (log end less position)" "落后的记录数（日志末端减位置）",
    TIME_X "virtual time, s" "虚拟时间（秒）",
    OWNERS_TITLE "Who owns which partition, and when does nobody?" "每个分区归谁所有，何时无人所有？",
    OWNERS_Y "partition" "分区",
    OFFSETS_TITLE "Why does the high watermark trail the log's end?" "为什么高水位落后于日志末端？",
    OFFSETS_Y "offset" "位移",
    RETENTION_TITLE "Does the consumer read before retention deletes?" "消费者能在保留期删除之前读完吗？",
    LOG_START "log start" "日志起点",
    LOG_END "log end" "日志末端",
    POSITION "position" "位置",
    DELETED "deleted unread" "未读即删",
    NOBODY "nobody" "无人",
    RUNS "{0} seeds for each point, the same for all" "每点 {0} 个种子，各处相同",
    INTERVAL "whiskers: exact 95 % interval of runs" "误差线：试验占比的精确 95% 区间",
    INTERVAL_MEDIAN "mark: median run; whiskers: its 95 % interval" "标记：中位数；误差线：其 95% 区间",
    INTERVAL_STRIP "one dot per run; bar: median with its 95 % interval" "每点一次试验；横线：中位数及其 95% 区间",
    BAND "band: ±{0} points for all of the curve (95 %, Dvoretzky–Kiefer–Wolfowitz)" "带宽：整条曲线 ±{0} 个百分点（95%，DKW）",
    NONE_SEEN "0 of {0} means below {1}" "{0} 次中 0 次表示低于 {1}",
    ONE_RUN "one run, seed {0}" "一次试验，种子 {0}",
    PAIRED "paired difference, {0} less {1}: {2}" "配对差，{0} 减 {1}：{2}",
    POINTS "{0} points ({1} to {2})" "{0} 个百分点（{1} 至 {2}）",
    RECORDS "{0} records or more in each line" "每条线至少 {0} 条记录",
    UNTOLD "{0}: nobody is told, so nobody waits" "{0}：没有人得到答复，也就没有人等待",
    WATERMARK "high watermark" "高水位",
    IDEMPOTENT "idempotence on" "幂等开启",
    PLAIN "idempotence off" "幂等关闭",
    NO_RETRIES "off, retries=0" "关闭，retries=0",
    RESTARTS "on, and the producer restarts" "开启，且生产者重启",
    KILLED "killed" "被杀死",
    STOPPED "stopped in order" "有序停止",
    LOSES_POWER "loses power" "断电",
    PARTITIONS "{0} partitions" "{0} 个分区",
    CRASH "down" "宕机",
    REBALANCE "rebalance" "再均衡",
    ODDS_TITLE "When was it too late for {0}?" "从哪一刻起，{0} 已无可挽回？",
    ODDS_X "moment from which the future is drawn anew, virtual s" "重新抽取未来的时刻，虚拟时间（秒）",
    ODDS_Y "futures that break it, %" "违反它的未来占比（%）",
    ODDS_INTERVAL "whiskers: exact 95 % interval" "误差线：精确 95% 区间",
}
