//! A fair queue: its groups are served round robin.

use std::collections::VecDeque;

/// Items in nested groups. An item's path names its group at each level, the outermost first. Each level serves its groups
/// round robin. The innermost group serves its newest item first: under overload the oldest clients are about to give up.
#[derive(Debug)]
pub(super) struct FairQueue<T> {
    len: usize,
    items: VecDeque<T>,
    /// In round-robin order. No group is empty.
    groups: VecDeque<(u64, FairQueue<T>)>,
}

impl<T> Default for FairQueue<T> {
    fn default() -> FairQueue<T> {
        FairQueue {
            len: 0,
            items: VecDeque::new(),
            groups: VecDeque::new(),
        }
    }
}

impl<T> FairQueue<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds an item. All paths of a queue have the same length.
    pub(super) fn push(&mut self, path: &[u64], item: T) {
        self.len += 1;
        let Some((key, rest)) = path.split_first() else {
            self.items.push_back(item);
            return;
        };
        match self.groups.iter_mut().find(|(group, _)| group == key) {
            Some((_, group)) => group.push(rest, item),
            None => {
                let mut group = FairQueue::default();
                group.push(rest, item);
                self.groups.push_back((*key, group));
            }
        }
    }

    /// Removes the next item and moves its group to the end of the round.
    pub(super) fn pop(&mut self) -> Option<T> {
        let item = self.items.pop_back().or_else(|| {
            let (key, mut group) = self.groups.pop_front()?;
            let item = group.pop();
            if group.len > 0 {
                self.groups.push_back((key, group));
            }
            item
        })?;
        self.len -= 1;
        Some(item)
    }

    /// Removes the oldest item of the largest group, so that a client that fills the queue does not displace others.
    pub(super) fn shed(&mut self) -> Option<T> {
        let sizes = self.groups.iter().enumerate();
        let largest = sizes.max_by_key(|(_, (_, group))| group.len);
        let item = match largest.map(|(index, _)| index) {
            None => self.items.pop_front(),
            Some(index) => {
                let (_, group) = self.groups.get_mut(index)?;
                let item = group.shed();
                if group.len == 0 {
                    self.groups.remove(index);
                }
                item
            }
        }?;
        self.len -= 1;
        Some(item)
    }

    pub(super) fn retain(&mut self, keep: &impl Fn(&T) -> bool) {
        self.items.retain(keep);
        self.groups
            .iter_mut()
            .for_each(|(_, group)| group.retain(keep));
        self.groups.retain(|(_, group)| group.len > 0);
        self.len = self.items.len()
            + self
                .groups
                .iter()
                .map(|(_, group)| group.len)
                .sum::<usize>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(items: &[(&[u64], &'static str)]) -> FairQueue<&'static str> {
        let mut queue = FairQueue::default();
        for (path, item) in items {
            queue.push(path, *item);
        }
        queue
    }

    fn drain(mut queue: FairQueue<&'static str>) -> Vec<&'static str> {
        let items: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!((queue.len(), queue.groups.len()), (0, 0));
        items
    }

    #[test]
    fn each_level_is_served_round_robin() {
        let queue = queue(&[
            (&[1, 1], "a1"),
            (&[1, 1], "a2"),
            (&[1, 1], "a3"),
            (&[1, 2], "b1"),
            (&[2, 1], "c1"),
            (&[2, 1], "c2"),
        ]);
        assert_eq!(queue.len(), 6);
        assert_eq!(drain(queue), ["a3", "c2", "b1", "c1", "a2", "a1"]);
    }

    #[test]
    fn full_queue_drops_the_oldest_of_the_largest_group() {
        let mut queue = queue(&[
            (&[1, 1], "a1"),
            (&[1, 2], "b1"),
            (&[1, 2], "b2"),
            (&[2, 1], "c1"),
            (&[2, 1], "c2"),
        ]);
        assert_eq!(queue.shed(), Some("b1"));
        queue.push(&[2, 2], "d1");
        assert_eq!(queue.shed(), Some("c1"));
        assert_eq!(queue.len(), 4);
        assert_eq!(drain(queue), ["a1", "c2", "b2", "d1"]);
        assert_eq!(FairQueue::<&str>::default().shed(), None);
    }

    #[test]
    fn retain_removes_items_and_empty_groups() {
        let mut queue = queue(&[(&[1, 1], "a"), (&[1, 2], "b"), (&[2, 1], "b")]);
        queue.retain(&|item| *item != "b");
        assert_eq!(queue.len(), 1);
        assert_eq!(drain(queue), ["a"]);
    }
}
