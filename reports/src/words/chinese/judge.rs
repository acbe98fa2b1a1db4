//! The Chinese words about histories of clients.

use sim::jepsen::Anomaly;

use super::both;
use crate::words::judge::JudgeWords;

/// Chinese.
pub const JUDGE: JudgeWords = JudgeWords {
    meaning,
    allowed: "允许",
    broken: "违反",
    anomaly: "{0}（{1}）",
    more: "另有 {0} 处",
    key: "键 {0}",
    values: both("值 {0}"),
    offsets: both("位移 {0}"),
    operations: both("操作 {0}"),
    more_items: " 和另外 {0} 个",
    joint: "，",
    valid: "合法",
    invalid: "不合法",
    lines: both("{0} 行"),
    judged: "{0}，消费者通过 {1} 获得分区",
};

/// Returns what an anomaly of Jepsen's means.
fn meaning(anomaly: Anomaly) -> &'static str {
    match anomaly {
        Anomaly::Duplicate => "同一个值位于同一个键的不止一个位移上。",
        Anomaly::InconsistentOffsets => "同一个位移上，不同的观察者看到了不同的值。",
        Anomaly::LostWrite => "一个已提交的值位于某个已被读到的值之前，却没有人读到它。",
        Anomaly::Unseen => "一个已确认的值直到最后也没有人读到。",
        Anomaly::AbortedRead => "一个值的发送失败了，却有人读到它。",
        Anomaly::PrecommittedRead => "一个事务读到了它自己发送的值。",
        Anomaly::PollSkip => "同一进程的两次操作之间，跳过了已知存在的值。",
        Anomaly::NonmonotonicPoll => "一次操作读到的位置，不在该进程先前所到的位置之后。",
        Anomaly::IntPollSkip => "在一次操作之内，跳过了已知存在的值。",
        Anomaly::IntNonmonotonicPoll => "在一次操作之内，读到了重复的值，或者往回读。",
        Anomaly::NonmonotonicSend => "同一进程的两次操作，在日志中的顺序相反。",
        Anomaly::IntNonmonotonicSend => "同一次操作中的两次发送，在日志中的顺序相反。",
        Anomaly::IntSendSkip => "同一次操作中的两次发送之间，夹着其他的值。",
        Anomaly::WriteCycle => "写入之间的依赖形成了环。",
        Anomaly::WriteCycleRealtime => "算上真实时间的先后，写入之间的依赖形成了环。",
        Anomaly::CircularFlow => "操作之间互相读取，形成了环。",
        Anomaly::CircularFlowRealtime => {
            "算上真实时间的先后，操作之间互相读取，形成了环：读到了未来的值。"
        }
        Anomaly::ReadUncommittedCycle => "存在“读未提交”所禁止的环。",
        Anomaly::ReadCommittedCycle => "存在“读已提交”所禁止的环。",
        Anomaly::StrongReadUncommittedCycle => "算上真实时间的先后，存在“读未提交”所禁止的环。",
        Anomaly::StrongReadCommittedCycle => "算上真实时间的先后，存在“读已提交”所禁止的环。",
        Anomaly::EmptyTransactionGraph => "没有任何两次操作互相依赖：没有什么可以裁决。",
    }
}
