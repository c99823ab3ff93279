//! One packet to interleaved samples, whatever the codec.

use ruopus::OpusDecoder;
use symphonia::core::{
    codecs::audio::{
        AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
        well_known::{CODEC_ID_FLAC, CODEC_ID_OPUS},
    },
    packet::Packet,
};

use crate::{decode::Layout, error::Error};

/// The rate at which Opus is always decoded: its own (RFC 6716, section 2).
const OPUS_RATE: u32 = 48_000;

pub(super) enum Codec {
    /// PCM, FLAC, MP3, Vorbis, AAC.
    Symphonia { decoder: Box<dyn AudioDecoder>, plain: bool, exact: bool },
    /// Opus, which symphonia can only unpack.
    Opus { decoder: Box<OpusDecoder>, channels: usize, skip: usize },
}

impl Codec {
    pub(super) fn new(parameters: &AudioCodecParameters) -> Result<Self, Error> {
        if parameters.codec == CODEC_ID_OPUS {
            return Self::opus(parameters.extra_data.as_deref().unwrap_or_default());
        }
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|fault| Error::Codec { got: fault.to_string() })?;
        let plain = decoder.codec_info().short_name.starts_with("pcm");
        let exact = plain || parameters.codec == CODEC_ID_FLAC;
        Ok(Self::Symphonia { decoder, plain, exact })
    }

    /// From the identification header (RFC 7845, section 5.1): "OpusHead", version, channels, pre-skip, …
    fn opus(head: &[u8]) -> Result<Self, Error> {
        let refuse = |got: String| Err(Error::Codec { got });
        let [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', _, channels, low, high, ..] = *head else {
            return refuse("Opus without its identification header".to_owned());
        };
        if !(1..=2).contains(&channels) {
            return refuse(format!("Opus with {channels} channels, of which one or two are decoded"));
        }
        let channels = usize::from(channels);
        let skip = usize::from(u16::from_le_bytes([low, high])) * channels;
        Ok(Self::Opus { decoder: Box::new(OpusDecoder::new(channels)), channels, skip })
    }

    /// Short name of the codec.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Symphonia { decoder, .. } => decoder.codec_info().short_name,
            Self::Opus { .. } => "opus",
        }
    }

    /// Bits a sample, where the codec keeps samples: the others code spectra. Floating point is told by the codec's name
    /// (`pcm_f32le`) only.
    pub(super) fn bits(&self, parameters: &AudioCodecParameters) -> Option<u32> {
        let Self::Symphonia { exact: true, .. } = self else { return None };
        let named = || self.name().chars().filter(char::is_ascii_digit).collect::<String>().parse().ok();
        parameters.bits_per_sample.or_else(named)
    }

    /// Whether the samples lie in the file as they are.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Symphonia { plain: true, .. })
    }

    /// Replaces `frames` with the packet's samples, interleaved, without the codec's lead-in and padding.
    pub(super) fn decode(&mut self, packet: &Packet, frames: &mut Vec<f32>) -> Result<Layout, String> {
        frames.clear();
        match self {
            Self::Symphonia { decoder, .. } => {
                let decoded = decoder.decode(packet).map_err(|fault| fault.to_string())?;
                decoded.copy_to_vec_interleaved(frames);
                let spec = decoded.spec();
                Ok(Layout { rate: spec.rate(), channels: spec.channels().count() })
            }
            Self::Opus { decoder, channels, skip } => {
                *frames = decoder.decode_packet(&packet.data).map_err(|fault| format!("{fault:?}"))?;
                let padding = packet.trim_end.get() as usize * *channels;
                frames.truncate(frames.len().saturating_sub(padding));
                let lead_in = frames.len().min(*skip);
                *skip -= lead_in;
                frames.drain(..lead_in);
                Ok(Layout { rate: OPUS_RATE, channels: *channels })
            }
        }
    }
}
