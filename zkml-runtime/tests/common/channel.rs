//! A channel that forgets one message, and keeps a record of what it was given.

use std::sync::{Arc, Mutex};
use stwo::core::channel::{Blake2sChannel, Channel, MerkleChannel};
use stwo::core::proof_of_work::GrindOps;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::core::vcs_lifted::blake2_merkle::{Blake2sMerkleChannel, Blake2sMerkleHasher};
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::backend::BackendForChannel;
use zkml_runtime::field::F;

/// What is mixed into a channel.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    Words(Vec<u32>),
    Felts(Vec<F>),
    Root(Blake2sHash),
}

/// What becomes of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omission {
    /// It is left out.
    Never,
    /// It is absorbed with the message that follows it: only the challenges between the two are drawn without it.
    Late,
}

#[derive(Clone, Debug, Default)]
pub struct OmittingChannel {
    channel: Blake2sChannel,
    omission: Option<(usize, Omission)>,
    late: Option<Message>,
    record: Arc<Mutex<Vec<Message>>>,
}

impl OmittingChannel {
    /// Of the messages counted from zero, this one is omitted.
    pub fn new(message: usize, omission: Omission) -> Self {
        Self { omission: Some((message, omission)), ..Self::default() }
    }

    /// Every message so far and to come, of this channel and its clones.
    pub fn record(&self) -> Arc<Mutex<Vec<Message>>> {
        self.record.clone()
    }

    fn receive(&mut self, message: Message) {
        if let Some(late) = self.late.take() {
            self.absorb(&late);
        }
        let at = {
            let mut record = self.record.lock().expect("no panic while it is held");
            record.push(message.clone());
            record.len() - 1
        };
        match self.omission {
            Some((omitted, Omission::Never)) if omitted == at => {}
            Some((omitted, Omission::Late)) if omitted == at => self.late = Some(message),
            _ => self.absorb(&message),
        }
    }

    fn absorb(&mut self, message: &Message) {
        match message {
            Message::Words(words) => self.channel.mix_u32s(words),
            Message::Felts(felts) => self.channel.mix_felts(felts),
            Message::Root(root) => Blake2sMerkleChannel::mix_root(&mut self.channel, *root),
        }
    }
}

impl Channel for OmittingChannel {
    const BYTES_PER_HASH: usize = Blake2sChannel::BYTES_PER_HASH;

    fn verify_pow_nonce(&self, n_bits: u32, nonce: u64) -> bool {
        self.channel.verify_pow_nonce(n_bits, nonce)
    }

    fn mix_u32s(&mut self, data: &[u32]) {
        self.receive(Message::Words(data.to_vec()));
    }

    fn mix_felts(&mut self, felts: &[F]) {
        self.receive(Message::Felts(felts.to_vec()));
    }

    fn mix_u64(&mut self, value: u64) {
        self.receive(Message::Words(vec![value as u32, (value >> 32) as u32]));
    }

    fn draw_secure_felt(&mut self) -> F {
        self.channel.draw_secure_felt()
    }

    fn draw_secure_felts(&mut self, n_felts: usize) -> Vec<F> {
        self.channel.draw_secure_felts(n_felts)
    }

    fn draw_u32s(&mut self) -> Vec<u32> {
        self.channel.draw_u32s()
    }
}

/// Blake2s trees under an [`OmittingChannel`].
#[derive(Default)]
pub struct OmittingMerkleChannel;

impl MerkleChannel for OmittingMerkleChannel {
    type C = OmittingChannel;
    type H = Blake2sMerkleHasher;

    fn mix_root(channel: &mut OmittingChannel, root: Blake2sHash) {
        channel.receive(Message::Root(root));
    }
}

impl GrindOps<OmittingChannel> for SimdBackend {
    fn grind(channel: &OmittingChannel, pow_bits: u32) -> u64 {
        SimdBackend::grind(&channel.channel, pow_bits)
    }
}

impl BackendForChannel<OmittingMerkleChannel> for SimdBackend {}
