//! Mutations of bytes.

use super::random::Random;

/// The modulus, which is zero in another word.
const P: u32 = (1 << 31) - 1;

/// What was done, and the result.
pub fn mutate(bytes: &[u8], donor: &[u8], random: &mut Random) -> (&'static str, Vec<u8>) {
    let mut b = bytes.to_vec();
    let words = b.len() / 4;
    let at = 4 * random.below(words);
    let put = |b: &mut Vec<u8>, at: usize, word: u32| b[at..at + 4].copy_from_slice(&word.to_le_bytes());
    let how = match random.below(12) {
        0 => {
            b[at + random.below(4)] ^= 1 << random.below(8);
            "a bit flipped"
        }
        1 => {
            put(&mut b, at, P);
            "a word set to p"
        }
        2 => {
            put(&mut b, at, random.word() % P);
            "a word replaced"
        }
        3 => {
            put(&mut b, at, [0, 1, u32::MAX, 1 << 31, P - 1][random.below(5)]);
            "a word set to an extreme"
        }
        4 => {
            let word = u32::from_le_bytes(b[at..at + 4].try_into().expect("four bytes"));
            put(&mut b, at, word.wrapping_add([1, u32::MAX, 1 << 24][random.below(3)]));
            "a word moved by one"
        }
        5 => {
            let other = 4 * random.below(words);
            (0..4).for_each(|k| b.swap(at + k, other + k));
            "two words swapped"
        }
        6 => {
            b.truncate(random.below(b.len()));
            "the end cut off"
        }
        7 => {
            let n = (1 + random.below(64)).min(b.len() - at);
            b.drain(at..at + n);
            "a range dropped"
        }
        8 => {
            let n = (1 + random.below(64)).min(b.len() - at);
            let range = b[at..at + n].to_vec();
            b.splice(at..at, range);
            "a range doubled"
        }
        9 => {
            let n = 1 + random.below(256);
            let filler: Vec<u8> = (0..n).map(|_| random.word() as u8).collect();
            b.extend(filler);
            "bytes after the end"
        }
        10 => {
            let n = (4 * (1 + random.below(256))).min(b.len() - at).min(donor.len());
            let from = random.below(donor.len() - n + 1);
            b[at..at + n].copy_from_slice(&donor[from..from + n]);
            "a range of another proof"
        }
        _ => {
            let n = (32 * (1 + random.below(8))).min(b.len() - at);
            b[at..at + n].rotate_left(4 * (1 + random.below(7)).min(n / 4));
            "a range rotated"
        }
    };
    (how, b)
}
