//! When what was seen has to be written down: soon after it was seen, however rare probes are.

/// Says when samples have to be written. Many probes share a write, and none waits long for another.
#[derive(Clone, Copy, Debug)]
pub struct Flush {
    every_ms: u64,
    /// Since when something waits to be written: the moment at which its probe began.
    since_ms: Option<u64>,
}

impl Flush {
    /// What is seen is written this much later, with all that is seen until then.
    pub fn after(every_ms: u64) -> Self {
        Self { every_ms, since_ms: None }
    }

    /// From this moment on there is something that will have to be written: a probe that began, or a slice that ended.
    pub fn waits_since(&mut self, now_ms: u64) {
        self.since_ms.get_or_insert(now_ms);
    }

    /// Is it time to write?
    pub fn is_due(&self, now_ms: u64) -> bool {
        self.due_ms().is_some_and(|due_ms| now_ms >= due_ms)
    }

    /// When to wake, if the next probe is at `next_ms`. A write that would come shortly before that probe is made with it
    /// instead, so that no probe waits for a disk.
    pub fn wakes_ms(&self, next_ms: u64) -> u64 {
        let due_ms = self.due_ms().filter(|due_ms| due_ms.saturating_add(self.every_ms) < next_ms);
        due_ms.unwrap_or(next_ms)
    }

    /// Everything that was seen is written; whether there are probes of which nothing is known yet.
    pub fn written(&mut self, now_ms: u64, under_way: bool) {
        self.since_ms = under_way.then_some(now_ms);
    }

    fn due_ms(&self) -> Option<u64> {
        self.since_ms.map(|since_ms| since_ms.saturating_add(self.every_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rare_probe_is_written_soon_after_it() {
        let mut flush = Flush::after(5_000);
        assert_eq!(flush.wakes_ms(3_600_000), 3_600_000, "nothing waits");
        flush.waits_since(1_000);
        assert_eq!(flush.wakes_ms(3_600_000), 6_000);
        assert!(!flush.is_due(5_999) && flush.is_due(6_000));
        // It has not ended by then, so it is looked after again.
        flush.written(6_000, true);
        assert_eq!(flush.wakes_ms(3_600_000), 11_000);
        flush.written(11_000, false);
        assert_eq!(flush.wakes_ms(3_600_000), 3_600_000);
    }

    #[test]
    fn frequent_probes_share_a_write_and_none_is_late_for_it() {
        let mut flush = Flush::after(5_000);
        for at_ms in (0..5_000).step_by(1_000) {
            flush.waits_since(at_ms);
            assert!(!flush.is_due(at_ms));
            assert_eq!(flush.wakes_ms(at_ms + 1_000), at_ms + 1_000);
        }
        assert!(flush.is_due(5_000));
        assert_eq!(flush.wakes_ms(10_000), 10_000, "it is written with that probe");
    }
}
