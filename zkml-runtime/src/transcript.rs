//! The Fiat-Shamir transcript: a Blake2s channel in which every message carries a tag and its length.
//!
//! The prover's half is generic over the channel, so that tests can give it one that forgets a message. The verifier is
//! not: it has [`Blake2sChannel`] and no other.
//!
//! stwo's `mix_felts` and `mix_u32s` absorb bare bytes: two messages could be cut elsewhere, or a message of one
//! kind be read as another. Here each is one absorption of `[tag, length, data..]`.

use stwo::core::channel::{Blake2sChannel, Channel};
use stwo::core::fields::m31::BaseField;
use stwo::core::fields::qm31::SecureField;
use stwo::core::vcs::blake2_hash::Blake2sHash;

/// What a message is. The numbers are part of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Tag {
    Protocol = 1,
    Parameters = 2,
    ModelDigest = 3,
    Key = 4,
    PublicValues = 5,
    Root = 6,
    GkrRoots = 7,
    GkrRound = 8,
    GkrMask = 9,
    OutputClaim = 10,
    EinsumRound = 11,
    OperandClaims = 12,
    OpeningRound = 13,
    OpeningClaim = 14,
}

/// A transcript. Prover and verifier run the same calls and so draw the same challenges.
#[derive(Clone, Debug)]
pub struct Transcript<C: Channel = Blake2sChannel> {
    channel: C,
}

/// Of the protocol's channel only: another one has to be named.
impl Default for Transcript {
    fn default() -> Self {
        Self::on(Blake2sChannel::default())
    }
}

impl<C: Channel> Transcript<C> {
    pub fn on(channel: C) -> Self {
        Self { channel }
    }

    pub fn absorb_words(&mut self, tag: Tag, words: &[u32]) {
        let mut message = Vec::with_capacity(words.len() + 2);
        message
            .extend([tag as u32, u32::try_from(words.len()).expect("a message has fewer than 2^32 words")]);
        message.extend_from_slice(words);
        self.channel.mix_u32s(&message);
    }

    pub fn absorb_felts(&mut self, tag: Tag, felts: &[SecureField]) {
        let words: Vec<u32> = felts.iter().flat_map(|f| f.to_m31_array()).map(|m: BaseField| m.0).collect();
        self.absorb_words(tag, &words);
    }

    pub fn absorb_hash(&mut self, tag: Tag, hash: &Blake2sHash) {
        let words: Vec<u32> =
            hash.0.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().expect("four bytes"))).collect();
        self.absorb_words(tag, &words);
    }

    pub fn draw(&mut self) -> SecureField {
        self.channel.draw_secure_felt()
    }

    pub fn draw_many(&mut self, n: usize) -> Vec<SecureField> {
        self.channel.draw_secure_felts(n)
    }

    /// The channel itself, for stwo.
    pub fn channel(&mut self) -> &mut C {
        &mut self.channel
    }
}
