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

/// Settings of brokers that are the defaults of topics' settings: the broker's name, and the
/// topic's.
///
/// Source: `ServerTopicConfigSynonyms`, Kafka 4.0. Left out: `log.roll.hours` and the
/// like, whose unit is another one.
const SYNONYMS: [(&str, &str); 12] = [
    ("log.segment.bytes", "segment.bytes"),
    ("log.roll.ms", "segment.ms"),
    ("log.retention.ms", "retention.ms"),
    ("log.retention.bytes", "retention.bytes"),
    ("message.max.bytes", "max.message.bytes"),
    ("log.flush.interval.messages", "flush.messages"),
    ("log.flush.interval.ms", "flush.ms"),
    ("log.message.timestamp.type", "message.timestamp.type"),
    ("log.message.timestamp.before.max.ms", "message.timestamp.before.max.ms"),
    ("log.message.timestamp.after.max.ms", "message.timestamp.after.max.ms"),
    ("min.insync.replicas", "min.insync.replicas"),
    ("unclean.leader.election.enable", "unclean.leader.election.enable"),
];

/// Returns the topic setting that a broker's setting of this name is the default of.
pub fn topic_synonym(broker_name: &str) -> Option<&'static str> {
    SYNONYMS.iter().find(|(broker, _)| *broker == broker_name).map(|(_, topic)| *topic)
}

/// Returns the broker's setting that is the default of a topic's setting of this name.
pub fn broker_synonym(topic_name: &str) -> Option<&'static str> {
    SYNONYMS.iter().find(|(_, topic)| *topic == topic_name).map(|(broker, _)| *broker)
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

            /// Takes the setting `name` back to its default; a name that is none changes nothing.
            pub fn reset(&mut self, name: &str) {
                match name {
                    $($name => self.$field = $config::default().$field,)*
                    _ => {}
                }
            }

            /// Returns every setting with its value, as `set` takes it.
            pub fn values(&self) -> Vec<(&'static str, String)> {
                vec![$(($name, $crate::config::SettingValue::show(&self.$field)),)*]
            }

            /// Returns the settings that are not as in `base`, with their values.
            pub fn differing_from(&self, base: &$config) -> Vec<(&'static str, String)> {
                let differs = [$(self.$field != base.$field,)*];
                let values = self.values().into_iter().zip(differs);
                values.filter(|(_, differs)| *differs).map(|(setting, _)| setting).collect()
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
    use crate::time::Duration;

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
    fn settings_that_differ_can_be_set_again() {
        let base = ProducerConfig { linger: Duration::from_millis(7), ..ProducerConfig::default() };
        let own = ProducerConfig { retries: 3, ..ProducerConfig::default() };

        let differing = own.differing_from(&base);

        let linger = ("linger.ms", "5".to_owned());
        assert_eq!(differing, [("retries", "3".to_owned()), linger]);
        let mut again = base;
        for (name, value) in differing {
            again.set(name, &RawSetting::Text(value)).expect("it was a setting");
        }
        assert_eq!(again, own);
    }

    #[test]
    fn a_setting_can_be_taken_back() {
        let mut config = TopicConfig { min_insync_replicas: 2, ..TopicConfig::default() };

        config.reset("min.insync.replicas");

        assert_eq!(config, TopicConfig::default());
    }

    #[test]
    fn every_topic_setting_has_one_name_among_brokers() {
        let mut found: Vec<&str> =
            SYNONYMS.iter().filter_map(|(broker, _)| topic_synonym(broker)).collect();
        found.sort_unstable();

        let mut listed: Vec<&str> =
            TopicConfig::list().iter().map(|setting| setting.name).collect();
        listed.sort_unstable();
        assert_eq!(found, listed);
        assert_eq!(topic_synonym("segment.bytes"), None);
        assert_eq!(broker_synonym("segment.bytes"), Some("log.segment.bytes"));
    }
}
