//! The wire format: little-endian words, read with every length bounded by the caller.
//!
//! A length that a proof states is never trusted: it is compared with what the caller expects or allows, and with
//! the bytes that are left, before anything is allocated.

use stwo::core::fields::m31::{BaseField, P};
use stwo::core::fields::qm31::SecureField;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use thiserror::Error;

/// Bytes of a word, of an extension element, of a hash.
pub(crate) const WORD: usize = 4;
pub(crate) const FELT: usize = 4 * WORD;
pub(crate) const HASH: usize = 32;

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WireError {
    #[error("byte {offset}: `{what}` needs {expected} bytes, {got} are left")]
    Truncated { what: &'static str, offset: usize, expected: usize, got: usize },
    #[error("byte {offset}: {word:#010x} is not a field element")]
    NotCanonical { offset: usize, word: u32 },
    #[error("`{what}` has {got} elements, expected {expected}")]
    Length { what: &'static str, expected: Expected, got: usize },
    #[error("{got} bytes after the end")]
    Trailing { got: usize },
}

/// The lengths that a reader accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Exactly(usize),
    AtMost(usize),
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(n) => write!(f, "{n}"),
            Self::AtMost(n) => write!(f, "at most {n}"),
        }
    }
}

/// Appends to a byte string.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub fn word(&mut self, word: u32) {
        self.bytes.extend_from_slice(&word.to_le_bytes());
    }

    pub fn long(&mut self, word: u64) {
        self.bytes.extend_from_slice(&word.to_le_bytes());
    }

    pub fn base(&mut self, value: BaseField) {
        debug_assert!(value.0 < P, "field elements are canonical before they are sent");
        self.word(value.0);
    }

    pub fn felt(&mut self, value: SecureField) {
        value.to_m31_array().into_iter().for_each(|coordinate| self.base(coordinate));
    }

    pub fn hash(&mut self, hash: &Blake2sHash) {
        self.bytes.extend_from_slice(&hash.0);
    }

    /// The length of a sequence that the reader cannot derive.
    pub fn count(&mut self, n: usize) {
        self.word(u32::try_from(n).expect("a sequence has fewer than 2^32 elements"));
    }

    pub fn bases(&mut self, values: &[BaseField]) {
        values.iter().for_each(|&value| self.base(value));
    }

    pub fn felts(&mut self, values: &[SecureField]) {
        values.iter().for_each(|&value| self.felt(value));
    }

    pub fn hashes(&mut self, hashes: &[Blake2sHash]) {
        hashes.iter().for_each(|hash| self.hash(hash));
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Reads what a [`Writer`] wrote.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.offset
    }

    fn take(&mut self, what: &'static str, n: usize) -> Result<&'a [u8], WireError> {
        self.require(what, n)?;
        let start = self.offset;
        self.offset += n;
        Ok(&self.bytes[start..self.offset])
    }

    fn require(&self, what: &'static str, n: usize) -> Result<(), WireError> {
        if n > self.remaining() {
            return Err(WireError::Truncated {
                what,
                offset: self.offset,
                expected: n,
                got: self.remaining(),
            });
        }
        Ok(())
    }

    pub fn bytes(&mut self, what: &'static str, n: usize) -> Result<&'a [u8], WireError> {
        self.take(what, n)
    }

    pub fn word(&mut self, what: &'static str) -> Result<u32, WireError> {
        let bytes = self.take(what, WORD)?;
        Ok(u32::from_le_bytes(bytes.try_into().expect("four bytes were taken")))
    }

    pub fn long(&mut self, what: &'static str) -> Result<u64, WireError> {
        let bytes = self.take(what, 2 * WORD)?;
        Ok(u64::from_le_bytes(bytes.try_into().expect("eight bytes were taken")))
    }

    pub fn base(&mut self, what: &'static str) -> Result<BaseField, WireError> {
        let offset = self.offset;
        let word = self.word(what)?;
        // p and 0 are the same field element in two words: one of them must go, or proofs are malleable.
        if word >= P {
            return Err(WireError::NotCanonical { offset, word });
        }
        Ok(BaseField::from_u32_unchecked(word))
    }

    pub fn felt(&mut self, what: &'static str) -> Result<SecureField, WireError> {
        let mut coordinates = [BaseField::from_u32_unchecked(0); 4];
        for coordinate in &mut coordinates {
            *coordinate = self.base(what)?;
        }
        Ok(SecureField::from_m31_array(coordinates))
    }

    pub fn hash(&mut self, what: &'static str) -> Result<Blake2sHash, WireError> {
        let bytes = self.take(what, HASH)?;
        Ok(Blake2sHash(bytes.try_into().expect("32 bytes were taken")))
    }

    /// The length of a sequence whose length the proof states.
    pub fn count(&mut self, what: &'static str, expected: Expected) -> Result<usize, WireError> {
        let got = self.word(what)? as usize;
        let accepted = match expected {
            Expected::Exactly(n) => got == n,
            Expected::AtMost(n) => got <= n,
        };
        if !accepted {
            return Err(WireError::Length { what, expected, got });
        }
        Ok(got)
    }

    pub fn words(&mut self, what: &'static str, n: usize) -> Result<Vec<u32>, WireError> {
        self.sequence(what, n, WORD, Self::word)
    }

    pub fn bases(&mut self, what: &'static str, n: usize) -> Result<Vec<BaseField>, WireError> {
        self.sequence(what, n, WORD, Self::base)
    }

    pub fn felts(&mut self, what: &'static str, n: usize) -> Result<Vec<SecureField>, WireError> {
        self.sequence(what, n, FELT, Self::felt)
    }

    pub fn hashes(&mut self, what: &'static str, n: usize) -> Result<Vec<Blake2sHash>, WireError> {
        self.sequence(what, n, HASH, Self::hash)
    }

    /// `n` elements of `size` bytes each; nothing is allocated unless the bytes are there.
    fn sequence<T>(
        &mut self,
        what: &'static str,
        n: usize,
        size: usize,
        read: impl Fn(&mut Self, &'static str) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        self.require(what, n.saturating_mul(size))?;
        (0..n).map(|_| read(self, what)).collect()
    }

    /// Nothing may be left.
    pub fn finish(self) -> Result<(), WireError> {
        match self.remaining() {
            0 => Ok(()),
            got => Err(WireError::Trailing { got }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let felt = SecureField::from_u32_unchecked(1, P - 1, 3, 4);
        let hash = Blake2sHash([7; 32]);
        let mut writer = Writer::default();
        writer.word(u32::MAX);
        writer.long(u64::MAX - 1);
        writer.count(2);
        writer.felts(&[felt, felt]);
        writer.hashes(&[hash]);
        writer.bases(&[BaseField::from(5)]);
        let bytes = writer.into_bytes();
        assert_eq!(bytes.len(), 4 + 8 + 4 + 32 + 32 + 4);

        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.word("word"), Ok(u32::MAX));
        assert_eq!(reader.long("long"), Ok(u64::MAX - 1));
        let n = reader.count("felts", Expected::AtMost(2)).unwrap();
        assert_eq!(reader.felts("felts", n), Ok(vec![felt, felt]));
        assert_eq!(reader.hashes("hash", 1), Ok(vec![hash]));
        assert_eq!(reader.bases("bases", 1), Ok(vec![BaseField::from(5)]));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn words_from_p_up_are_refused() {
        for word in [P, P + 1, u32::MAX] {
            let bytes = word.to_le_bytes();
            let got = Reader::new(&bytes).base("base");
            assert_eq!(got, Err(WireError::NotCanonical { offset: 0, word }));
        }
    }

    #[test]
    fn a_stated_length_is_held_to_the_expected_one() {
        let bytes = [9, 0, 0, 0];
        let count = |expected| Reader::new(&bytes).count("x", expected);
        assert_eq!(count(Expected::Exactly(9)), Ok(9));
        let at_most = Expected::AtMost(8);
        assert_eq!(count(at_most), Err(WireError::Length { what: "x", expected: at_most, got: 9 }));
        let exactly = Expected::Exactly(10);
        assert_eq!(count(exactly), Err(WireError::Length { what: "x", expected: exactly, got: 9 }));
    }

    #[test]
    fn nothing_is_allocated_for_bytes_that_are_not_there() {
        let bytes = [0; 12];
        let expected = usize::MAX / 64 * 32;
        let got = Reader::new(&bytes).hashes("x", usize::MAX / 64);
        assert_eq!(got, Err(WireError::Truncated { what: "x", offset: 0, expected, got: 12 }));
    }

    #[test]
    fn short_and_long_inputs_are_refused() {
        let mut reader = Reader::new(&[1, 2, 3]);
        let got = reader.word("x");
        assert_eq!(got, Err(WireError::Truncated { what: "x", offset: 0, expected: 4, got: 3 }));
        assert_eq!(reader.finish(), Err(WireError::Trailing { got: 3 }));
    }
}
