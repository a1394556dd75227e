//! Something for every index of a directory, which only ever gets more of them.

/// Made when it is asked for first; stays where it is.
pub struct Slots<T>(boxcar::Vec<T>);

impl<T> Default for Slots<T> {
    fn default() -> Slots<T> {
        Slots(boxcar::Vec::new())
    }
}

impl<T: Default> Slots<T> {
    pub fn at(&self, index: usize) -> &T {
        loop {
            match self.0.get(index) {
                Some(slot) => return slot,
                // Two that do so at once make one too many, which nobody asks for yet.
                None => drop(self.0.push(T::default())),
            }
        }
    }
}
