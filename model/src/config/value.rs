//! Reads a setting's value as users write it in a properties file or in TOML.

use std::sync::Arc;

use super::{GroupProtocolKind, Idempotence, MigrationPolicy, OffsetReset, TimestampType};
use crate::group::assignor::Strategy;
use crate::group::assignor::server::ServerAssignor;
use crate::ids::InstanceId;
use crate::message::data::{Acks, Isolation};
use crate::time::Duration;

/// A value as it stands in a file.
#[derive(Clone, Debug, PartialEq)]
pub enum RawSetting {
    /// A whole number.
    Int(i64),
    /// true or false.
    Bool(bool),
    /// A text; Kafka's properties are all texts, so a number in quotes is a number.
    Text(String),
}

/// Why a setting was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The model does not obey such a setting for this kind of process.
    #[error("unknown setting")]
    Unknown,
    /// The value does not fit.
    #[error("expected {expected}")]
    Invalid {
        /// What would fit: `a whole number from 0 to 65535`.
        expected: String,
    },
}

/// A type that a setting can have.
pub trait SettingValue: Sized {
    /// Reads the value of the setting `name`.
    ///
    /// # Errors
    /// `Invalid` if the value does not fit the type.
    fn read(name: &str, raw: &RawSetting) -> Result<Self, SettingError>;

    /// Writes the value as a user would.
    fn show(&self) -> String;
}

/// A duration that Kafka counts in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seconds(pub u64);

/// A duration that Kafka counts in minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Minutes(pub u64);

impl Minutes {
    /// Returns the duration.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.saturating_mul(60))
    }
}

impl RawSetting {
    fn int(&self) -> Option<i64> {
        match self {
            RawSetting::Int(number) => Some(*number),
            RawSetting::Text(text) => text.trim().parse().ok(),
            RawSetting::Bool(_) => None,
        }
    }

    fn word(&self) -> String {
        match self {
            RawSetting::Int(number) => number.to_string(),
            RawSetting::Bool(flag) => flag.to_string(),
            RawSetting::Text(text) => text.trim().to_owned(),
        }
    }
}

fn invalid<T>(expected: impl Into<String>) -> Result<T, SettingError> {
    Err(SettingError::Invalid { expected: expected.into() })
}

impl SettingValue for Duration {
    fn read(_name: &str, raw: &RawSetting) -> Result<Duration, SettingError> {
        match raw.int() {
            Some(i64::MAX | -1) => Ok(Duration::MAX),
            Some(millis @ 0..) => Ok(Duration::from_millis(millis as u64)),
            _ => invalid("a whole number of milliseconds, 0 or more (-1 for never)"),
        }
    }

    fn show(&self) -> String {
        if *self == Duration::MAX {
            return i64::MAX.to_string();
        }
        self.as_millis().to_string()
    }
}

impl SettingValue for Seconds {
    fn read(_name: &str, raw: &RawSetting) -> Result<Seconds, SettingError> {
        match raw.int() {
            Some(seconds @ 1..) => Ok(Seconds(seconds as u64)),
            _ => invalid("a whole number of seconds, 1 or more"),
        }
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

impl SettingValue for Minutes {
    fn read(_name: &str, raw: &RawSetting) -> Result<Minutes, SettingError> {
        match raw.int() {
            Some(minutes @ 1..) => Ok(Minutes(minutes as u64)),
            _ => invalid("a whole number of minutes, 1 or more"),
        }
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

macro_rules! whole_numbers {
    ($($type:ty),*) => {$(
        impl SettingValue for $type {
            fn read(_name: &str, raw: &RawSetting) -> Result<$type, SettingError> {
                match raw.int().map(<$type>::try_from) {
                    Some(Ok(number)) => Ok(number),
                    _ => invalid(format!("a whole number from 0 to {}", <$type>::MAX.min(i64::MAX as u64 as $type))),
                }
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
whole_numbers!(u16, u32);

impl SettingValue for u64 {
    fn read(_name: &str, raw: &RawSetting) -> Result<u64, SettingError> {
        match raw.int() {
            Some(i64::MAX) => Ok(u64::MAX),
            Some(number @ 0..) => Ok(number as u64),
            _ => invalid("a whole number, 0 or more"),
        }
    }

    fn show(&self) -> String {
        (*self).min(i64::MAX as u64).to_string()
    }
}

/// A limit that -1 lifts.
impl SettingValue for Option<u64> {
    fn read(_name: &str, raw: &RawSetting) -> Result<Option<u64>, SettingError> {
        match raw.int() {
            Some(-1) => Ok(None),
            Some(number @ 0..) => Ok(Some(number as u64)),
            _ => invalid("a whole number, 0 or more (-1 for no limit)"),
        }
    }

    fn show(&self) -> String {
        self.map_or_else(|| "-1".to_owned(), |limit| limit.to_string())
    }
}

impl SettingValue for bool {
    fn read(_name: &str, raw: &RawSetting) -> Result<bool, SettingError> {
        match raw.word().to_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => invalid("true or false"),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// Declares the words of an enum setting; the first word of a variant is how it is shown.
macro_rules! words {
    ($type:ident { $($variant:ident: $first:literal $(| $other:literal)*,)* } $expected:literal) => {
        impl SettingValue for $type {
            fn read(_name: &str, raw: &RawSetting) -> Result<$type, SettingError> {
                match raw.word().as_str() {
                    $($first $(| $other)* => Ok($type::$variant),)*
                    _ => invalid($expected),
                }
            }

            fn show(&self) -> String {
                match self {
                    $($type::$variant => $first.to_owned(),)*
                }
            }
        }
    };
}

words!(Acks { None: "0", Leader: "1", All: "all" | "-1", } "0, 1 or all");
words!(Isolation {
    ReadUncommitted: "read_uncommitted",
    ReadCommitted: "read_committed",
} "read_uncommitted or read_committed");
words!(OffsetReset { Earliest: "earliest", Latest: "latest", None: "none", } "earliest, latest or none");
words!(GroupProtocolKind {
    Classic: "classic",
    Consumer: "consumer",
} "classic or consumer");
words!(MigrationPolicy {
    Bidirectional: "bidirectional",
    Upgrade: "upgrade",
    Downgrade: "downgrade",
    Disabled: "disabled",
} "bidirectional, upgrade, downgrade or disabled");

words!(TimestampType {
    CreateTime: "CreateTime",
    LogAppendTime: "LogAppendTime",
} "CreateTime or LogAppendTime");

impl SettingValue for Idempotence {
    fn read(name: &str, raw: &RawSetting) -> Result<Idempotence, SettingError> {
        Ok(if bool::read(name, raw)? { Idempotence::On } else { Idempotence::Off })
    }

    fn show(&self) -> String {
        (*self != Idempotence::Off).to_string()
    }
}

/// A list of client-side assignors, the favourite first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Strategies(pub Vec<Strategy>);

impl SettingValue for Strategies {
    /// Takes short names and Kafka's class names, separated by commas.
    fn read(_name: &str, raw: &RawSetting) -> Result<Strategies, SettingError> {
        let expected = "a list of range, roundrobin, sticky and cooperative-sticky";
        let text = raw.word();
        let mut strategies = Vec::new();
        for name in text.split(',').map(str::trim) {
            let Some(strategy) = strategy(name).filter(|it| !strategies.contains(it)) else {
                return invalid(expected);
            };
            strategies.push(strategy);
        }
        Ok(Strategies(strategies))
    }

    fn show(&self) -> String {
        self.0.iter().map(|it| it.name()).collect::<Vec<_>>().join(",")
    }
}

/// A list of the coordinator's assignors, the default first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerAssignors(pub Vec<ServerAssignor>);

impl SettingValue for ServerAssignors {
    /// Takes short names and Kafka's class names, separated by commas.
    fn read(_name: &str, raw: &RawSetting) -> Result<ServerAssignors, SettingError> {
        let mut assignors = Vec::new();
        for name in raw.word().split(',').map(str::trim) {
            let class = name.rsplit('.').next().and_then(|name| name.strip_suffix("Assignor"));
            let name = class.map_or_else(|| name.to_owned(), str::to_lowercase);
            let Some(assignor) = ServerAssignor::from_name(&name) else {
                return invalid("a list of uniform and range");
            };
            if assignors.contains(&assignor) {
                return invalid("a list of uniform and range, each once");
            }
            assignors.push(assignor);
        }
        Ok(ServerAssignors(assignors))
    }

    fn show(&self) -> String {
        self.0.iter().map(|it| it.name()).collect::<Vec<_>>().join(",")
    }
}

fn strategy(name: &str) -> Option<Strategy> {
    let class = name.rsplit('.').next().and_then(|name| name.strip_suffix("Assignor"));
    Strategy::ALL.into_iter().find(|it| {
        it.name() == name
            || class.is_some_and(|class| class.eq_ignore_ascii_case(&it.name().replace('-', "")))
    })
}

impl SettingValue for Option<Arc<str>> {
    fn read(_name: &str, raw: &RawSetting) -> Result<Option<Arc<str>>, SettingError> {
        let text = raw.word();
        Ok((!text.is_empty()).then(|| text.as_str().into()))
    }

    fn show(&self) -> String {
        self.as_deref().unwrap_or_default().to_owned()
    }
}

impl SettingValue for Option<InstanceId> {
    fn read(_name: &str, raw: &RawSetting) -> Result<Option<InstanceId>, SettingError> {
        match raw.word() {
            text if text.is_empty() => invalid("a name"),
            text => Ok(Some(InstanceId(text.as_str().into()))),
        }
    }

    fn show(&self) -> String {
        self.as_ref().map(|it| it.0.to_string()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_stand_in_quotes() {
        assert_eq!(read::<u32>("5"), read::<u32>(5));
        assert_eq!(read::<u32>(" 5 "), Some(5));
        assert_eq!(read::<u16>(65_535), Some(65_535));
        assert_eq!(read::<u16>(65_536), None);
        assert_eq!(read::<u32>(-1), None);
        assert_eq!(read::<u32>("five"), None);
        assert_eq!(read::<u32>(true), None);
        assert_eq!(read::<u64>(i64::MAX), Some(u64::MAX));
        assert_eq!(read::<u64>(-1), None);
    }

    #[test]
    fn durations_are_milliseconds_and_may_be_endless() {
        assert_eq!(read::<Duration>(1_500), Some(Duration::from_millis(1_500)));
        assert_eq!(read::<Duration>("1500"), Some(Duration::from_millis(1_500)));
        assert_eq!(read::<Duration>(-1), Some(Duration::MAX));
        assert_eq!(read::<Duration>(i64::MAX), Some(Duration::MAX));
        assert_eq!(read::<Duration>(-2), None);
        assert_eq!(read::<Duration>("5s"), None);
        assert_eq!(read::<Seconds>(300), Some(Seconds(300)));
        assert_eq!(read::<Seconds>(0), None);
    }

    #[test]
    fn words_are_kafkas_own() {
        assert_eq!(read::<Acks>("all"), Some(Acks::All));
        assert_eq!(read::<Acks>("-1"), Some(Acks::All));
        assert_eq!(read::<Acks>(-1), Some(Acks::All));
        assert_eq!(read::<Acks>(0), Some(Acks::None));
        assert_eq!(read::<Acks>(2), None);
        assert_eq!(read::<Isolation>("read_committed"), Some(Isolation::ReadCommitted));
        assert_eq!(read::<Isolation>("committed"), None);
        assert_eq!(read::<OffsetReset>("none"), Some(OffsetReset::None));
        assert_eq!(read::<TimestampType>("LogAppendTime"), Some(TimestampType::LogAppendTime));
        assert_eq!(read::<bool>("TRUE"), Some(true));
        assert_eq!(read::<bool>(1), None);
        assert_eq!(read::<Idempotence>(false), Some(Idempotence::Off));
        assert_eq!(read::<Idempotence>("true"), Some(Idempotence::On));
        assert_eq!(read::<Idempotence>("yes"), None);
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        assert_reads_back(Duration::MAX);
        assert_reads_back(Duration::from_millis(7));
        assert_reads_back(Seconds(300));
        assert_reads_back(u64::MAX);
        assert_reads_back(Acks::Leader);
        assert_reads_back(Isolation::ReadUncommitted);
        assert_reads_back(OffsetReset::Latest);
        assert_reads_back(TimestampType::CreateTime);
        assert_reads_back(true);
    }

    #[test]
    fn a_refusal_says_what_would_fit() {
        let refused = u16::read("num.partitions", &RawSetting::Int(-1));

        let expected = "expected a whole number from 0 to 65535".to_owned();
        assert_eq!(refused.map_err(|error| error.to_string()), Err(expected));
    }

    fn read<T: SettingValue>(raw: impl Into<RawSetting>) -> Option<T> {
        T::read("a.setting", &raw.into()).ok()
    }

    fn assert_reads_back<T: SettingValue + PartialEq + std::fmt::Debug>(value: T) {
        assert_eq!(read::<T>(value.show().as_str()), Some(value));
    }

    impl From<i64> for RawSetting {
        fn from(number: i64) -> RawSetting {
            RawSetting::Int(number)
        }
    }

    impl From<bool> for RawSetting {
        fn from(flag: bool) -> RawSetting {
            RawSetting::Bool(flag)
        }
    }

    impl From<&str> for RawSetting {
        fn from(text: &str) -> RawSetting {
            RawSetting::Text(text.to_owned())
        }
    }
}
