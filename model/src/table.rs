//! Maps and sets of few, small keys, in order: sorted lists. A look-up halves a list that
//! fits into a cache line or two, and looking at everything is looking at a list.
//!
//! Values move when keys are added or removed before them: large ones are boxed.

use std::cmp::Ordering;
use std::iter::Zip;
use std::ops::Index;
use std::slice::{Iter, IterMut};

/// Finds a key in a list that is in order of its keys, as `binary_search_by_key` would.
///
/// It looks at the first one first: there stands the partition of whoever has only one, before
/// all those of Kafka's own topics.
#[inline]
pub(crate) fn place_by<T, K: Ord>(
    list: &[T],
    key: &K,
    key_of: impl Fn(&T) -> &K,
) -> Result<usize, usize> {
    let Some(first) = list.first() else { return Err(0) };
    match key.cmp(key_of(first)) {
        Ordering::Less => Err(0),
        Ordering::Equal => Ok(0),
        Ordering::Greater => list.binary_search_by(|it| key_of(it).cmp(key)),
    }
}

/// A map in order of its keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Table<K, V> {
    /// Invariant: in order, each once.
    keys: Vec<K>,
    /// By place of their keys.
    values: Vec<V>,
}

/// The keys of a table with their values.
pub type Entries<'a, K, V> = Zip<Iter<'a, K>, Iter<'a, V>>;
/// The keys of a table with their values, which can be changed.
pub type EntriesMut<'a, K, V> = Zip<Iter<'a, K>, IterMut<'a, V>>;

impl<K, V> Default for Table<K, V> {
    fn default() -> Table<K, V> {
        Table::new()
    }
}

impl<K, V> Table<K, V> {
    /// Makes an empty table.
    pub const fn new() -> Table<K, V> {
        Table { keys: Vec::new(), values: Vec::new() }
    }

    /// Says whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns how many keys it has.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
    }

    /// Returns the keys in order.
    pub fn keys(&self) -> Iter<'_, K> {
        self.keys.iter()
    }

    /// Returns the values in order of their keys.
    pub fn values(&self) -> Iter<'_, V> {
        self.values.iter()
    }

    /// Returns the values in order of their keys, to be changed.
    pub fn values_mut(&mut self) -> IterMut<'_, V> {
        self.values.iter_mut()
    }

    /// Returns everything in order.
    pub fn iter(&self) -> Entries<'_, K, V> {
        self.keys.iter().zip(&self.values)
    }

    /// Returns everything in order; values can be changed.
    pub fn iter_mut(&mut self) -> EntriesMut<'_, K, V> {
        self.keys.iter().zip(&mut self.values)
    }

    /// Returns what stands at a place, counted from 0 in order; the value can be changed.
    ///
    /// # Panics
    /// If there are fewer keys.
    pub fn at(&mut self, place: usize) -> (&K, &mut V) {
        (&self.keys[place], &mut self.values[place])
    }

    /// Keeps those of which this is said, asked in order.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        let all = std::mem::take(self);
        (self.keys, self.values) = all.into_iter().filter(|(key, value)| keep(key, value)).unzip();
    }
}

impl<K: Ord, V> Table<K, V> {
    /// Says whether a key is there.
    pub fn contains_key(&self, key: &K) -> bool {
        self.place(key).is_ok()
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        let place = self.place(key).ok()?;
        Some(&self.values[place])
    }

    /// Returns the value of a key, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(key).ok()?;
        Some(&mut self.values[place])
    }

    /// Returns the value of a key, and makes it if need be.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let place = match self.place(&key) {
            Ok(place) => place,
            Err(place) => {
                self.insert_at(place, key, make());
                place
            }
        };
        &mut self.values[place]
    }

    /// Sets the value of a key; returns the one before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(&key) {
            Ok(place) => Some(std::mem::replace(&mut self.values[place], value)),
            Err(place) => {
                self.insert_at(place, key, value);
                None
            }
        }
    }

    /// Takes a key out; returns its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.place(key).ok()?;
        self.keys.remove(place);
        Some(self.values.remove(place))
    }

    fn insert_at(&mut self, place: usize, key: K, value: V) {
        self.keys.insert(place, key);
        self.values.insert(place, value);
    }

    fn place(&self, key: &K) -> Result<usize, usize> {
        place_by(&self.keys, key, |it| it)
    }
}

impl<K: Ord, V> Index<&K> for Table<K, V> {
    type Output = V;

    fn index(&self, key: &K) -> &V {
        self.get(key).expect("the key is in the table")
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Table<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Table<K, V> {
        let mut table = Table::new();
        table.extend(pairs);
        table
    }
}

impl<K: Ord, V> Extend<(K, V)> for Table<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        for (key, value) in pairs {
            self.insert(key, value);
        }
    }
}

impl<K, V> IntoIterator for Table<K, V> {
    type Item = (K, V);
    type IntoIter = Zip<std::vec::IntoIter<K>, std::vec::IntoIter<V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.keys.into_iter().zip(self.values)
    }
}

impl<'a, K, V> IntoIterator for &'a Table<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Entries<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, K, V> IntoIterator for &'a mut Table<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = EntriesMut<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

/// A set in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Set<K> {
    /// Invariant: in order, each once.
    keys: Vec<K>,
}

impl<K> Default for Set<K> {
    fn default() -> Set<K> {
        Set { keys: Vec::new() }
    }
}

impl<K: Ord> Set<K> {
    /// Says whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the keys in order.
    pub fn as_slice(&self) -> &[K] {
        &self.keys
    }

    /// Returns the keys in order.
    pub fn iter(&self) -> Iter<'_, K> {
        self.keys.iter()
    }

    /// Puts a key in; says whether it was not there.
    pub fn insert(&mut self, key: K) -> bool {
        let place = place_by(&self.keys, &key, |it| it);
        if let Err(place) = place {
            self.keys.insert(place, key);
        }
        place.is_err()
    }

    /// Takes a key out; says whether it was there.
    pub fn remove(&mut self, key: &K) -> bool {
        let place = place_by(&self.keys, key, |it| it);
        if let Ok(place) = place {
            self.keys.remove(place);
        }
        place.is_ok()
    }

    /// Keeps those of which this is said, asked in order.
    pub fn retain(&mut self, keep: impl FnMut(&K) -> bool) {
        self.keys.retain(keep);
    }
}

impl<K: Ord> FromIterator<K> for Set<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Set<K> {
        let mut keys: Vec<K> = keys.into_iter().collect();
        keys.sort_unstable();
        keys.dedup();
        Set { keys }
    }
}

impl<K> IntoIterator for Set<K> {
    type Item = K;
    type IntoIter = std::vec::IntoIter<K>;

    fn into_iter(self) -> Self::IntoIter {
        self.keys.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use crate::chance::Rng;

    use super::*;

    #[test]
    fn a_table_is_what_a_tree_would_be() {
        let (mut table, mut tree) = (Table::new(), BTreeMap::new());
        let mut rng = Rng::fork(1, "table");

        for round in 0..2_000 {
            let key = rng.below(40);
            match rng.below(4) {
                0 => assert_eq!(table.insert(key, round), tree.insert(key, round)),
                1 => assert_eq!(table.remove(&key), tree.remove(&key)),
                2 => {
                    let made = *tree.entry(key).or_insert(round);
                    assert_eq!(*table.get_or_insert_with(key, || round), made);
                }
                _ => assert_eq!(table.get(&key), tree.get(&key)),
            }
            assert!(table.iter().eq(&tree));
        }
    }

    #[test]
    fn a_set_is_what_a_tree_would_be() {
        let (mut set, mut tree) = (Set::default(), BTreeSet::new());
        let mut rng = Rng::fork(2, "set");

        for _ in 0..2_000 {
            let key = rng.below(40);
            match rng.below(2) {
                0 => assert_eq!(set.insert(key), tree.insert(key)),
                _ => assert_eq!(set.remove(&key), tree.remove(&key)),
            }
            assert!(set.iter().eq(&tree));
        }
    }
}
