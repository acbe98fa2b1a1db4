//! Kafka's settings: one struct per kind of process, each field under Kafka's own name.
//!
//! A field exists here only if some rule of the model obeys it. `value` reads what users
//! write, `unmodelled` lists the names that Kafka knows and Trial refuses.
//!
//! Defaults are those of the released Kafka 4.0.

mod broker;
mod client;
mod unmodelled;
mod value;

pub use broker::{
    BrokerConfig, ControllerConfig, MigrationPolicy, Misfit, TimestampType, TopicConfig,
};
pub use client::{ConsumerConfig, GroupProtocolKind, Idempotence, OffsetReset, ProducerConfig};
pub use unmodelled::is_unmodelled;
pub use value::{RawSetting, SettingError, SettingValue, Strategies};

use crate::ids::TopicId;

/// One setting that the model obeys, for listings and suggestions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingInfo {
    /// Kafka's name, unit suffix included.
    pub name: &'static str,
    /// The default, as a user would write it.
    pub default: String,
    /// What it does, in one sentence.
    pub doc: &'static str,
}

/// Returns the topic setting that a broker's setting of this name is the default of.
///
/// Source: `ServerTopicConfigSynonyms`, Kafka 4.0. Left out: `log.roll.hours` and the
/// like, whose unit is another one.
pub fn topic_synonym(broker_name: &str) -> Option<&'static str> {
    match broker_name {
        "log.segment.bytes" => Some("segment.bytes"),
        "log.roll.ms" => Some("segment.ms"),
        "log.retention.ms" => Some("retention.ms"),
        "log.retention.bytes" => Some("retention.bytes"),
        "message.max.bytes" => Some("max.message.bytes"),
        "log.flush.interval.messages" => Some("flush.messages"),
        "log.flush.interval.ms" => Some("flush.ms"),
        "log.message.timestamp.type" => Some("message.timestamp.type"),
        "log.message.timestamp.before.max.ms" => Some("message.timestamp.before.max.ms"),
        "log.message.timestamp.after.max.ms" => Some("message.timestamp.after.max.ms"),
        "min.insync.replicas" => Some("min.insync.replicas"),
        "unclean.leader.election.enable" => Some("unclean.leader.election.enable"),
        _ => None,
    }
}

/// A broker's own default of a topic's setting, for one topic that does not set it itself.
#[derive(Clone, Debug, PartialEq)]
pub struct LogDefault {
    /// The topic.
    pub topic: TopicId,
    /// The topic's name of the setting.
    pub name: &'static str,
    /// The value. Invariant: `TopicConfig::set` takes it.
    pub value: RawSetting,
}

impl LogDefault {
    /// Returns a topic's settings as a broker with these defaults obeys them.
    ///
    /// # Panics
    /// If a default is no setting of topics, or has a value that does not fit.
    ///
    /// Source: `LogConfig.fromProps`, Kafka 4.0.
    pub fn applied(defaults: &[LogDefault], topic: TopicId, config: &TopicConfig) -> TopicConfig {
        let mut config = config.clone();
        for default in defaults.iter().filter(|default| default.topic == topic) {
            config.set(default.name, &default.value).expect("defaults are checked beforehand");
        }
        config
    }
}

/// Declares a struct of settings with Kafka's names, defaults and documentation.
macro_rules! settings {
    (
        $(#[$struct_doc:meta])*
        pub struct $config:ident {
            $(#[doc = $doc:literal] $name:literal $field:ident: $type:ty = $default:expr;)*
        }
    ) => {
        $(#[$struct_doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $config {
            $(#[doc = $doc] pub $field: $type,)*
        }

        impl Default for $config {
            fn default() -> $config {
                $config { $($field: $default,)* }
            }
        }

        impl $config {
            /// Obeys the setting `name` from here on.
            ///
            /// # Errors
            /// `Unknown` if this kind of process has no such setting in the model, `Invalid`
            /// if the value does not fit.
            pub fn set(
                &mut self,
                name: &str,
                value: &$crate::config::RawSetting,
            ) -> Result<(), $crate::config::SettingError> {
                match name {
                    $($name => {
                        self.$field = $crate::config::SettingValue::read(name, value)?;
                    })*
                    _ => return Err($crate::config::SettingError::Unknown),
                }
                Ok(())
            }

            /// Lists every setting with its default.
            pub fn list() -> Vec<$crate::config::SettingInfo> {
                let defaults = $config::default();
                vec![$($crate::config::SettingInfo {
                    name: $name,
                    default: $crate::config::SettingValue::show(&defaults.$field),
                    doc: $doc.trim_ascii(),
                },)*]
            }
        }
    };
}
use settings;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brokers_default_reaches_only_the_topic_it_is_for() {
        let (topic, other) = (TopicId(0), TopicId(1));
        let default = LogDefault { topic, name: "flush.messages", value: RawSetting::Int(1) };
        let flush = |of| {
            let defaults = std::slice::from_ref(&default);
            LogDefault::applied(defaults, of, &TopicConfig::default()).flush_messages
        };

        assert_eq!((flush(topic), flush(other)), (1, u64::MAX));
    }

    #[test]
    fn every_topic_setting_has_one_name_among_brokers() {
        let broker_names = [
            "log.segment.bytes",
            "log.roll.ms",
            "log.retention.ms",
            "log.retention.bytes",
            "message.max.bytes",
            "log.flush.interval.messages",
            "log.flush.interval.ms",
            "log.message.timestamp.type",
            "log.message.timestamp.before.max.ms",
            "log.message.timestamp.after.max.ms",
            "min.insync.replicas",
            "unclean.leader.election.enable",
        ];
        let mut found: Vec<&str> =
            broker_names.iter().filter_map(|name| topic_synonym(name)).collect();
        found.sort_unstable();

        let mut listed: Vec<&str> =
            TopicConfig::list().iter().map(|setting| setting.name).collect();
        listed.sort_unstable();
        assert_eq!(found, listed);
        assert_eq!(topic_synonym("segment.bytes"), None);
    }
}
