//! Buffers that are reused.
//!
//! A fresh page costs a fault and a zeroed 4 KiB, about as much as the arithmetic on it, so a dropped [`Buf`] goes to a
//! pool for the next layer and the next proof. Fresh memory comes zeroed from the system: nothing is ever read
//! uninitialised, though a reused buffer starts with old values in it.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use super::packed::{PackedF, LANES};

static POOL: Mutex<Vec<Store>> = Mutex::new(Vec::new());
/// Smaller buffers are left to the allocator.
const POOLED: usize = 1 << 6;
/// Room beyond the length asked for. Layers and folds halve and round up, each in its own way, so a buffer that takes
/// another's place may need a few elements more; for want of them half the tree was allocated again. Untouched, they
/// cost no memory.
const SLACK: usize = 1 << 7;
/// Words in a packed element, and in the alignment of its vectors.
const WORDS: usize = 4 * LANES;

/// Initialised words with room for `capacity` aligned elements from `start` on.
///
/// Words, since only for those does the allocator pass on zero pages untouched; more alignment means a `memset`.
#[derive(Debug)]
struct Store {
    words: Vec<u32>,
    start: usize,
    capacity: usize,
}

impl Store {
    fn new(capacity: usize) -> Self {
        let words = vec![0u32; capacity * WORDS + LANES];
        advise_huge_pages(&words);
        let start = words.as_ptr().align_offset(align_of::<PackedF>());
        Self { words, start, capacity }
    }
}

/// A vector of zeros that asks for huge pages if it is large: for what is filled once and is too large for a cache.
pub fn zeroed<T: bytemuck::Zeroable>(len: usize) -> Vec<T> {
    let v = bytemuck::zeroed_vec(len);
    advise_huge_pages(&v);
    v
}

/// Large buffers ask for huge pages: fewer faults, fewer misses of the address cache.
#[cfg(target_os = "linux")]
fn advise_huge_pages<T>(words: &[T]) {
    extern "C" {
        fn madvise(addr: *mut std::ffi::c_void, len: usize, advice: i32) -> i32;
    }
    const MADV_HUGEPAGE: i32 = 14;
    const PAGE: usize = 4096;
    let skip = words.as_ptr().cast::<u8>().align_offset(PAGE);
    let whole = size_of_val(words).saturating_sub(skip) & !(PAGE - 1);
    if whole >= 1 << 21 {
        // SAFETY: whole pages of our own memory, and only a hint: its result does not matter.
        unsafe { madvise(words.as_ptr().cast::<u8>().add(skip).cast_mut().cast(), whole, MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_huge_pages<T>(_: &[T]) {}

/// A slice of packed elements with arbitrary initial values.
#[derive(Debug)]
pub struct Buf {
    store: Store,
    len: usize,
}

impl Buf {
    pub fn new(len: usize) -> Self {
        let store = match len {
            ..POOLED => Store::new(len),
            _ => take(len).unwrap_or_else(|| Store::new(len + SLACK)),
        };
        Self { store, len }
    }
}

/// Gives the pool's memory, and what else is free, back to the system.
pub fn release() {
    lock().clear();
    trim();
}

/// The allocator keeps what was freed, too.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn trim() {
    extern "C" {
        fn malloc_trim(pad: usize) -> i32;
    }
    // SAFETY: it touches no memory that is in use, and any thread may call it at any time.
    unsafe { malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}

fn lock() -> std::sync::MutexGuard<'static, Vec<Store>> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The smallest buffer that fits.
fn take(len: usize) -> Option<Store> {
    let mut pool = lock();
    let best = (0..pool.len()).filter(|&i| pool[i].capacity >= len).min_by_key(|&i| pool[i].capacity)?;
    Some(pool.swap_remove(best))
}

impl Drop for Buf {
    fn drop(&mut self) {
        if self.store.capacity >= POOLED {
            lock()
                .push(std::mem::replace(&mut self.store, Store { words: Vec::new(), start: 0, capacity: 0 }));
        }
    }
}

impl Deref for Buf {
    type Target = [PackedF];
    #[inline(always)]
    fn deref(&self) -> &[PackedF] {
        // SAFETY: `len <= capacity` elements from the aligned `start` lie within the words, which are initialised; any
        // words are a valid `PackedF`, 64 of them without padding.
        unsafe {
            std::slice::from_raw_parts(self.store.words.as_ptr().add(self.store.start).cast(), self.len)
        }
    }
}

impl DerefMut for Buf {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [PackedF] {
        // SAFETY: as above, and the words are borrowed mutably.
        unsafe {
            let first = self.store.words.as_mut_ptr().add(self.store.start);
            std::slice::from_raw_parts_mut(first.cast(), self.len)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_has_the_length_asked_for() {
        for len in [0, 1, 63, 64, 1000] {
            let mut b = Buf::new(len);
            assert_eq!(b.len(), len);
            b.fill(PackedF::ZERO);
        }
        release();
        assert_eq!(Buf::new(100).len(), 100);
    }

    #[test]
    fn a_little_more_fits_too() {
        // Another test may hold the very buffer by now, so this looks at its size.
        assert!(Buf::new(1 << 10).store.capacity >= (1 << 10) + SLACK);
    }
}
