//! Something per partition, found by two indices.

use model::ids::{TopicId, TopicPartition};

/// One `T` per partition that was ever named; grows by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ByPartition<T> {
    /// By topic, then by partition.
    topics: Vec<Vec<T>>,
}

impl<T: Default> ByPartition<T> {
    /// Returns a partition's entry, if it was ever named.
    pub(crate) fn get(&self, id: TopicPartition) -> Option<&T> {
        self.topics.get(usize::from(id.topic.0))?.get(usize::from(id.partition))
    }

    /// Returns a partition's entry, and makes it if need be.
    #[inline]
    pub(crate) fn get_mut(&mut self, id: TopicPartition) -> &mut T {
        let (topic, place) = (usize::from(id.topic.0), usize::from(id.partition));
        if self.topics.get(topic).is_none_or(|partitions| partitions.len() <= place) {
            self.grow(topic, place);
        }
        &mut self.topics[topic][place]
    }

    #[cold]
    fn grow(&mut self, topic: usize, place: usize) {
        if self.topics.len() <= topic {
            self.topics.resize_with(topic + 1, Vec::new);
        }
        self.topics[topic].resize_with(place + 1, T::default);
    }

    /// Returns every entry, to be changed.
    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.topics.iter_mut().flatten()
    }

    /// Returns every entry in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (TopicPartition, &T)> {
        (0..).map(TopicId).zip(&self.topics).flat_map(|(topic, partitions)| {
            (0..)
                .zip(partitions)
                .map(move |(partition, it)| (TopicPartition { topic, partition }, it))
        })
    }
}
