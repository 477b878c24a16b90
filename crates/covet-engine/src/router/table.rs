//! A hash table from bytes to a value, built once and then only read.
//!
//! The hash is fast and not secret. That is safe because only the application's own patterns are
//! ever inserted: what clients send is looked up, and cannot make chains any longer.

/// Entries by a tag and bytes.
#[derive(Clone, Debug)]
pub(super) struct StrTable<V> {
    /// The upper half of the hash, and one more than the index of the entry; 0 where empty. Its
    /// length is a power of two and at least twice the number of entries.
    slots: Vec<(u32, u32)>,
    entries: Vec<Entry<V>>,
}

#[derive(Clone, Debug)]
struct Entry<V> {
    tag: u32,
    key: Box<[u8]>,
    value: V,
}

impl<V> Default for StrTable<V> {
    fn default() -> Self {
        Self { slots: vec![(0, 0); 2], entries: Vec::new() }
    }
}

impl<V> StrTable<V> {
    #[inline]
    pub(super) fn get(&self, tag: u32, key: &[u8]) -> Option<&V> {
        let index = self.find(tag, key)?;
        Some(&self.entries[index].value)
    }

    /// The value under a key; `or_insert` makes it if there is none yet.
    pub(super) fn entry(&mut self, tag: u32, key: &[u8], or_insert: impl FnOnce() -> V) -> &mut V {
        let index = self.find(tag, key).unwrap_or_else(|| {
            self.entries.push(Entry { tag, key: key.into(), value: or_insert() });
            self.rehash();
            self.entries.len() - 1
        });
        &mut self.entries[index].value
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&[u8], &mut V)> {
        self.entries.iter_mut().map(|entry| (&*entry.key, &mut entry.value))
    }

    #[inline]
    fn find(&self, tag: u32, key: &[u8]) -> Option<usize> {
        let (start, check) = hash(tag, key);
        let mask = self.slots.len() - 1;
        let mut slot = start as usize & mask;
        loop {
            let (other, index) = self.slots[slot];
            let index = (index as usize).checked_sub(1)?;
            if other == check {
                let entry = &self.entries[index];
                if entry.tag == tag && *entry.key == *key {
                    return Some(index);
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Puts the last entry into its slot, or every entry when the slots have become too few.
    fn rehash(&mut self) {
        let mut first = self.entries.len() - 1;
        if self.entries.len() * 2 > self.slots.len() {
            self.slots = vec![(0, 0); self.slots.len() * 2];
            first = 0;
        }
        let mask = self.slots.len() - 1;
        for (entry, number) in self.entries.iter().zip(1..).skip(first) {
            let (start, check) = hash(entry.tag, &entry.key);
            let mut slot = start as usize & mask;
            while self.slots[slot].1 != 0 {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = (check, number);
        }
    }
}

/// Multiplies and folds eight bytes at a time; the halves of the result.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "the halves are taken apart")]
fn hash(tag: u32, key: &[u8]) -> (u32, u32) {
    const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |state: u64, word: u64| {
        let product = u128::from(state ^ word) * u128::from(SEED);
        product as u64 ^ (product >> 64) as u64
    };
    let mut state = SEED ^ u64::from(tag) ^ ((key.len() as u64) << 32);
    let mut rest = key;
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        state = mix(state, u64::from_le_bytes(*word));
        rest = after;
    }
    // The last one to seven bytes: those of the last eight again, or all there are.
    let tail = if let Some(last) = key.last_chunk::<8>() {
        u64::from_le_bytes(*last)
    } else if let (Some(first), Some(last)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) {
        u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
    } else {
        rest.iter().fold(0, |word, &byte| word << 8 | u64::from(byte))
    };
    state = mix(state, tail);
    ((state >> 32) as u32, state as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_and_nothing_else() {
        let mut table = StrTable::default();
        let key = |number: u32| "k".repeat(number as usize % 21) + &number.to_string();
        for number in 0..2_000 {
            assert_eq!(*table.entry(number % 3, key(number).as_bytes(), || number), number);
        }
        for number in 0..2_000 {
            assert_eq!(*table.entry(number % 3, key(number).as_bytes(), || 0), number);
            assert_eq!(table.get(number % 3, key(number).as_bytes()), Some(&number));
            assert_eq!(table.get(number % 3 + 1, key(number).as_bytes()), None);
            assert_eq!(table.get(number % 3, (key(number) + "k").as_bytes()), None);
        }
        assert_eq!(table.iter_mut().count(), 2_000);
    }
}
