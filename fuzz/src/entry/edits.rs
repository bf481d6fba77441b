//! Edit scripts: what a fuzzer changes in bytes that are otherwise valid.
//!
//! An edit is an opcode, two offsets and what the opcode takes; offsets are two bytes, scaled to the target's length
//! where it is longer. A script that ends in the middle of an edit ends before it.

/// Applies every edit of a script.
pub fn apply(script: &[u8], target: &mut Vec<u8>) {
    let mut script = Script(script);
    while script.edit(target).is_some() {}
}

struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn short(&mut self) -> Option<usize> {
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]) as usize)
    }

    fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    /// An offset into `len` bytes: exact where two bytes reach all of them, from the end where the third byte is odd.
    fn offset(&mut self, len: usize) -> Option<usize> {
        let (at, page) = (self.short()?, self.byte()?);
        let at = (at + ((page as usize >> 1) << 16)) % (len + 1);
        Some(if page & 1 == 0 { at } else { len - at })
    }

    fn edit(&mut self, target: &mut Vec<u8>) -> Option<()> {
        let op = self.byte()? % 6;
        let at = self.offset(target.len())?;
        match op {
            // Overwrites.
            0 => {
                let n = self.byte()? as usize;
                let new = self.bytes(n)?;
                target.iter_mut().skip(at).zip(new).for_each(|(t, n)| *t = *n);
            }
            // Replaces a run by another, of another length perhaps.
            1 => {
                let (gone, n) = (self.byte()? as usize, self.byte()? as usize);
                let new = self.bytes(n)?;
                let end = (at + gone).min(target.len());
                target.splice(at..end, new.iter().copied());
            }
            // Swaps two runs of one length.
            2 => {
                let (other, n) = (self.offset(target.len())?, self.short()?);
                let (a, b) = (at.min(other), at.max(other));
                let n = n.min(b - a).min(target.len() - b);
                let (left, right) = target.split_at_mut(b);
                left[a..a + n].swap_with_slice(&mut right[..n]);
            }
            3 => target.truncate(at),
            // Repeats a run.
            4 => {
                let n = self.short()?.min(target.len() - at);
                target.extend_from_within(at..at + n);
                target[at..].rotate_right(n);
            }
            // Adds to a little-endian word: another field element, another count.
            _ => {
                let n = self.bytes(4)?;
                if let Some(word) = target.get_mut(at..at + 4) {
                    let sum = u32::from_le_bytes(word.try_into().ok()?)
                        .wrapping_add(u32::from_le_bytes(n.try_into().ok()?));
                    word.copy_from_slice(&sum.to_le_bytes());
                }
            }
        }
        Some(())
    }
}
